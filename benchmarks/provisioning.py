"""A new workspace: from the operator's POST to a usable login page, with few workspaces and with 200 beside it."""

import time
from pathlib import Path

import httpx

from benchmarks.harness import Result, free_port, median, process, uvicorn_command, wait_for_port

COUNT = 20
BESIDE = 200
_PASSWORD = "a long password"


def run(folder: Path) -> list[Result]:
    from django.conf import settings

    from tenants.accounts.models import Role, User
    from tenants.db import tenant_context
    from tenants.models import Tenant
    from tenants.names import PUBLIC
    from tenants.provisioning import create_workspace, keep_spares

    with tenant_context(PUBLIC):
        User.objects.create_user("op@bench.example", _PASSWORD, name="Operator", role=Role.OPERATOR)
    port = free_port()
    with process(uvicorn_command("omnisupport.asgi:application", port), log=folder / "web.log", PORT=str(port)):
        wait_for_port(port)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Host": settings.BASE_DOMAIN}, timeout=30
        ) as client:
            _log_in(client)
            few = _make(client, "few")
            while Tenant.objects.count() < BESIDE:
                keep_spares(10)
                create_workspace(
                    slug=f"filler-{Tenant.objects.count()}", name="x", owner_email="o@x.example", owner_password=None
                )
            many = _make(client, "many")
    return [
        Result("new workspace, p95", _p95(few), "ms", 300, details={"median": round(median(few))}),
        Result("new workspace beside 200, p95", _p95(many), "ms", 300, details={"median": round(median(many))}),
        Result("beside 200 against few, medians", median(many) / median(few), "×", 1.2),
    ]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]


def _token(client: httpx.Client, path: str) -> str:
    return client.get(path).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


def _post(client: httpx.Client, path: str, token: str, data: dict[str, str]) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": token, **data}, headers={"Cookie": _cookies(client)})


def _cookies(client: httpx.Client) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


def _log_in(client: httpx.Client) -> None:
    answer = _post(
        client,
        "/admin/login/",
        _token(client, "/admin/login/"),
        {"username": "op@bench.example", "password": _PASSWORD},
    )
    assert answer.status_code == 302, answer.status_code


def _make(client: httpx.Client, prefix: str) -> list[float]:
    from tenants.provisioning import keep_spares

    taken = []
    for number in range(COUNT):
        keep_spares(3)  # what beat does in the background
        slug = f"{prefix}-{number}"
        # The form is open on the operator's screen; the clock runs from its button to a login page.
        token = _token(client, "/admin/tenants/tenant/add/")
        started = time.perf_counter()
        answer = _post(
            client, "/admin/tenants/tenant/add/", token,
            {"name": slug, "slug": slug, "language": "ru", "timezone": "Europe/Moscow", "owner_email": "o@x.example",
             "owner_password": _PASSWORD},
        )  # fmt: skip
        assert answer.status_code == 302, answer.text[:500]
        page = client.get("/accounts/login/", headers={"Host": f"{slug}.localhost"})
        assert page.status_code == 200, page.status_code
        taken.append((time.perf_counter() - started) * 1000)
    return taken
