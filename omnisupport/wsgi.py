import os
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")
_django = get_wsgi_application()

from omnisupport.lib.stack import with_room  # noqa: E402  # after Django is set up
from omnisupport.production import refuse_unsafe_production  # noqa: E402

refuse_unsafe_production()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    return with_room(_django, environ, start_response)
