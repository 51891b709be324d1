"""The operators' pages: who sees what, what the buttons do, and that no secret comes out."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Account
from integrations.jobs.runner import run_job
from integrations.providers.servicetitan.models import CredentialState, ServiceTitanCredential
from synclogs.models import Job, SyncLog
from tests.factories import AccountFactory, UserFactory
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import make_run, sync

CREDENTIALS = "admin:servicetitan_servicetitancredential"
CUSTOMERS = "admin:servicetitan_servicetitancustomer"
INVOICES = "admin:servicetitan_servicetitaninvoice"

pytestmark = pytest.mark.django_db


def signed_in(role: str, *accounts: Account) -> Client:
    client = Client()
    client.force_login(UserFactory(groups=[role], accounts=accounts))
    return client


def page(client: Client, credential: ServiceTitanCredential) -> str:
    return client.get(reverse(f"{CREDENTIALS}_change", args=[credential.pk])).content.decode()


def press(client: Client, credential: ServiceTitanCredential, button: str) -> Any:
    return client.post(reverse(f"{CREDENTIALS}_{button}", args=[credential.pk]), follow=True)


def status_of(credential: ServiceTitanCredential) -> str:
    credential.refresh_from_db()
    return credential.status


def test_each_sees_the_records_of_their_accounts_only(titan: Titan, make_credential: MakeCredential) -> None:
    titan.seed(customers=3, invoices=2, tenants=2)
    mine, other = make_credential(1), make_credential(2)
    sync(mine), sync(other)
    viewer = signed_in("viewer", mine.account)
    for name in (CREDENTIALS, CUSTOMERS, INVOICES):
        text = viewer.get(reverse(f"{name}_changelist")).content.decode()
        assert "Company 1" in text
        assert "Company 2" not in text
    assert signed_in("planner", mine.account).get(reverse(f"{CUSTOMERS}_changelist")).status_code == 403
    other_page = reverse(f"{CUSTOMERS}_change", args=[other.customers.earliest("pk").pk])
    assert viewer.get(other_page).status_code == 302
    assert press(signed_in("admin", mine.account), other, "test").redirect_chain
    assert not titan.calls("900002/customers")


def test_no_page_shows_a_secret(titan: Titan, credential: ServiceTitanCredential) -> None:
    client = signed_in("sudo_admin")
    for address in (f"{CREDENTIALS}_changelist", f"{CREDENTIALS}_add"):
        assert "cs1." not in client.get(reverse(address)).content.decode()
    text = page(client, credential)
    assert "cs1." not in text
    assert "ak1." not in text
    assert credential.client_id in text


def test_a_credential_is_entered_once_an_account_and_environment(titan: Titan) -> None:
    account = AccountFactory(name="New company")
    client = signed_in("sudo_admin")
    form = {
        "account": account.pk,
        "environment": "production",
        "tenant_id": "900001",
        "client_id": "cid.sandbox.production.1",
        "new_client_secret": "cs1.sandbox.production.1.secret",
        "new_app_key": "ak1.sandbox",
        "scheduled_sync_enabled": "on",
    }
    assert client.post(reverse(f"{CREDENTIALS}_add"), form).status_code == 302
    credential = ServiceTitanCredential.objects.get()
    assert (credential.client_secret, credential.app_key) == (
        "cs1.sandbox.production.1.secret",
        "ak1.sandbox",
    )
    assert credential.integration.external_id == "production"
    again = client.post(reverse(f"{CREDENTIALS}_add"), form)
    assert "has a credential for this environment already" in again.content.decode()
    assert "cs1.sandbox" not in again.content.decode()
    assert signed_in("admin", account).get(reverse(f"{CREDENTIALS}_add")).status_code == 403


def test_new_secrets_replace_the_old_ones_and_take_it_back(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    credential.mark_needs_attention("refused")
    form = {
        "tenant_id": credential.tenant_id,
        "client_id": credential.client_id,
        "new_client_secret": "cs2.new",
        "sync_interval_minutes": "90",
    }
    client = signed_in("sudo_admin")
    client.post(reverse(f"{CREDENTIALS}_change", args=[credential.pk]), form)
    assert status_of(credential) == CredentialState.ACTIVE
    fresh = ServiceTitanCredential.objects.get()
    assert (fresh.client_secret, fresh.app_key) == ("cs2.new", "ak1.sandbox")
    assert (fresh.sync_interval_minutes, fresh.scheduled_sync_enabled) == (90, False)
    refused = signed_in("admin", credential.account).post(
        reverse(f"{CREDENTIALS}_change", args=[credential.pk]), form
    )
    assert refused.status_code == 403


def test_a_credential_whose_secrets_no_key_opens_can_be_edited_and_entered_again(
    titan: Titan, credential: ServiceTitanCredential, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    client = signed_in("sudo_admin")
    address = reverse(f"{CREDENTIALS}_change", args=[credential.pk])
    form = {"tenant_id": credential.tenant_id, "client_id": "cid.other"}
    assert "cid.sandbox" in page(client, credential)
    assert client.post(address, form).status_code == 302
    half = client.post(address, form | {"new_app_key": "ak1.new"}).content.decode()
    assert "The stored secrets cannot be read any more: enter both." in half
    assert "Not tested" in press(client, credential, "test").content.decode()
    both = form | {"new_app_key": "ak1.new", "new_client_secret": "cs1.new"}
    assert client.post(address, both).status_code == 302
    fresh = ServiceTitanCredential.objects.get()
    assert (fresh.client_id, fresh.client_secret) == ("cid.other", "cs1.new")


def test_the_tenant_is_fixed_once_its_records_are_here(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    client = signed_in("sudo_admin")
    assert 'name="tenant_id"' in page(client, credential)
    credential.note_success()
    assert 'name="tenant_id"' not in page(client, credential)


def test_a_test_says_what_servicetitan_said_and_marks_or_mends(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed()
    client = signed_in("admin", credential.account)
    titan.fault("status", "connect/token", status=400, body={"error": "invalid_client"})
    text = press(client, credential, "test").content.decode()
    assert "The test failed: HTTP 400 from the token endpoint: invalid_client" in text
    assert "Check the client ID and secret for this environment" in text
    assert status_of(credential) == CredentialState.NEEDS_ATTENTION
    assert "ServiceTitan accepts" in press(client, credential, "test").content.decode()
    assert status_of(credential) == CredentialState.ACTIVE
    assert SyncLog.objects.count() == 0
    assert LogEntry.objects.count() == 2


def test_a_vendor_that_is_down_is_not_the_credentials_fault(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.fault("status", "/customers", status=403)
    text = press(signed_in("admin", credential.account), credential, "test").content.decode()
    assert "The app lacks a scope" in text
    assert status_of(credential) == CredentialState.ACTIVE


def test_it_is_switched_off_and_on_by_those_who_govern_credentials(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    client = signed_in("sudo_admin")
    press(client, credential, "disable")
    assert status_of(credential) == CredentialState.DISABLED
    assert "is disabled: re-activate it first" in press(client, credential, "sync").content.decode()
    press(client, credential, "reactivate")
    assert status_of(credential) == CredentialState.ACTIVE
    assert "is active already" in press(client, credential, "reactivate").content.decode()
    for button in ("disable", "reactivate"):
        assert press(signed_in("admin", credential.account), credential, button).status_code == 403


def test_sync_now_goes_to_its_job(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3, invoices=2)
    answer = press(signed_in("admin", credential.account), credential, "sync")
    job = Job.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert run_job(str(job.pk)) == "succeed"
    assert SyncLog.objects.get().records_created == 5


def test_retry_failed_queues_what_failed_and_names_it(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=3, invoices=2)
    client = signed_in("admin", credential.account)
    assert "No failed sync" in press(client, credential, "retry").content.decode()
    old = make_run(credential, "customers", failed=True)
    press(client, credential, "retry")
    job = Job.objects.get()
    assert run_job(str(job.pk)) == "succeed"
    assert SyncLog.objects.latest("started_at").retry_of == old


def test_who_may_only_look_has_no_buttons(titan: Titan, credential: ServiceTitanCredential) -> None:
    viewer = signed_in("viewer", credential.account)
    text = page(viewer, credential)
    assert "Sync now" not in text
    assert "new_client_secret" not in text
    for button in ("sync", "retry", "test", "disable", "reactivate"):
        assert press(viewer, credential, button).status_code == 403
    assert viewer.get(reverse(f"{CREDENTIALS}_sync", args=[credential.pk])).status_code == 405


def test_selected_ones_are_synced_together(titan: Titan, make_credential: MakeCredential) -> None:
    first, second = make_credential(1), make_credential(2)
    chosen = {"action": "sync_selected", "_selected_action": [first.pk, second.pk]}
    signed_in("admin", first.account, second.account).post(reverse(f"{CREDENTIALS}_changelist"), chosen)
    assert Job.objects.count() == 2


@pytest.mark.parametrize("name", [CUSTOMERS, INVOICES])
def test_lists_ask_as_often_for_many_rows_as_for_few(
    titan: Titan, make_credential: MakeCredential, name: str, django_assert_max_num_queries: Any
) -> None:
    titan.seed(customers=40, invoices=40)
    credential = make_credential()
    sync(credential)
    client = signed_in("viewer", credential.account)
    client.get(reverse(f"{name}_changelist"))
    with django_assert_max_num_queries(14):
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
    found = client.get(reverse(f"{name}_changelist"), {"q": "10007"}).content.decode()
    assert "10007" in found
    rows: Any = credential.customers if name == CUSTOMERS else credential.invoices
    text = client.get(reverse(f"{name}_change", args=[rows.earliest("pk").pk])).content.decode()
    assert "Record as received" in text
    run = SyncLog.objects.get()
    assert client.get(reverse(f"{name}_changelist"), {"last_run__id__exact": str(run.pk)}).status_code == 200
    shown = client.get(reverse("admin:synclogs_synclog_change", args=[run.pk])).content.decode()
    assert "Invoices that no later run changed" in shown


def test_an_invoice_leads_to_its_customer_and_back(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3, invoices=3)
    sync(credential)
    client = signed_in("viewer", credential.account)
    customer = credential.customers.get(external_id=10_001)
    invoice = credential.invoices.get(external_id=50_001)
    text = client.get(reverse(f"{INVOICES}_change", args=[invoice.pk])).content.decode()
    assert reverse(f"{CUSTOMERS}_change", args=[customer.pk]) in text
    back = client.get(
        reverse(f"{INVOICES}_changelist"),
        {"credential__id__exact": str(credential.pk), "customer_external_id": "10001"},
    )
    assert back.status_code == 200
    assert "880001" in back.content.decode()
    assert "880002" not in back.content.decode()
