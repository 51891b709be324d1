"""Where people leave for a vendor's consent page, and where they come back."""

from django.urls import path

from integrations.oauth.views import callback_view, start_view

app_name = "oauth"

urlpatterns = [
    path("<slug:provider>/start/", start_view, name="start"),
    path("<slug:provider>/callback/", callback_view, name="callback"),
]
