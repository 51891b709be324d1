"""The ASGI entry point: `gunicorn syncplatform.asgi:application` (docs/webhooks.md, "The server")."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncplatform.settings")

site = get_asgi_application()

from integrations.webhooks.gate import WebhookGate  # noqa: E402 - after Django is set up

application = WebhookGate(site)
