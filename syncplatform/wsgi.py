"""The WSGI entry point: `gunicorn syncplatform.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncplatform.settings")

application = get_wsgi_application()
