"""Django's settings. Every value that differs between machines comes from the environment (.env.example)."""

import django_stubs_ext

from omnisupport.settings.api import *
from omnisupport.settings.apps import *
from omnisupport.settings.browser import *
from omnisupport.settings.machine import *
from omnisupport.settings.outside import *
from omnisupport.settings.records import *
from omnisupport.settings.stores import *
from omnisupport.settings.tasks import *

django_stubs_ext.monkeypatch()
