"""The operators' own pages."""

from django.urls import path

from operations.live import views

app_name = "operations"

urlpatterns = [
    path("live/", views.live_page, name="live"),
    path("live/state/", views.live_state_json, name="live_state"),
    path("live/events/", views.live_events, name="live_events"),
]
