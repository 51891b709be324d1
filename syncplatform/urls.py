"""Where each page lives.

The admin's pages are found here and not when Django is set up: commands and workers need none of them.
"""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("connect/", include("integrations.oauth.urls")),
    path("webhooks/", include("integrations.webhooks.urls")),
    path("", include("operations.urls")),
]
