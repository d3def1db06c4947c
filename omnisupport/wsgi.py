import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")
application = get_wsgi_application()

from omnisupport.production import refuse_unsafe_production  # noqa: E402  # after Django is set up

refuse_unsafe_production()
