"""Regions and status settings in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from circuits.models import ApiStatusConfig, Circuit
from tests.factories import CircuitFactory, RegionFactory

pytestmark = pytest.mark.django_db


def test_regions_found_by_a_sync_are_flagged_until_reviewed(admin_client: Client) -> None:
    region = RegionFactory(discovered=True)
    url = reverse("admin:circuits_region_changelist")
    assert "found by a sync: review" in admin_client.get(url).content.decode()

    admin_client.post(url, {"action": "mark_reviewed", "_selected_action": [str(region.pk)]})

    region.refresh_from_db()
    assert not region.discovered
    assert "found by a sync: review" not in admin_client.get(url).content.decode()
    assert LogEntry.objects.get().get_change_message() == "Marked as reviewed."


def test_regions_link_to_their_circuits(admin_client: Client) -> None:
    circuit: Circuit = CircuitFactory()

    text = admin_client.get(reverse("admin:circuits_region_changelist")).content.decode()

    assert f"region__id__exact={circuit.region_id}" in text


def test_a_status_is_switched_off_but_never_renamed_or_deleted(admin_client: Client) -> None:
    config = ApiStatusConfig.objects.get(api_status="CLOSE")
    page = reverse("admin:circuits_apistatusconfig_change", args=[config.pk])

    admin_client.post(
        page,
        {"api_status": "OTHER", "display_name": "Closed", "sync_frequency": "manual", "sort_order": "4"},
    )

    config.refresh_from_db()
    assert (config.api_status, config.is_active, config.sync_frequency) == ("CLOSE", False, "manual")
    delete = reverse("admin:circuits_apistatusconfig_delete", args=[config.pk])
    assert admin_client.post(delete).status_code == 403
    listed = admin_client.get(reverse("admin:circuits_apistatusconfig_changelist")).content.decode()
    assert "switched off" in listed
