"""Where each page lives."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("connect/", include("integrations.oauth.urls")),
    path("webhooks/", include("integrations.webhooks.urls")),
    path("", include("operations.urls")),
]
