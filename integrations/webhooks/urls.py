"""Where vendors send their webhooks. The key is a secret: these paths are never logged."""

from django.urls import re_path

from integrations.webhooks.views import receive_webhook

app_name = "webhooks"

urlpatterns = [re_path(r"^(?P<provider>[\w-]+)/(?P<key>[^/]+)/?$", receive_webhook, name="receive")]
