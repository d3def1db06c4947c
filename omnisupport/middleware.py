"""Probes before everything else: they come by address, not by name, so no host, tenant or session is asked for."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from omnisupport.health import healthz, hostz, readyz
from omnisupport.metrics import metrics

PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/hostz": hostz,
    "/metrics": metrics,
    "/readyz": readyz,
}


class ProbeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        return probe(request) if probe else self.get_response(request)
