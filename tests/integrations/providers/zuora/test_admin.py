"""The operators' pages of Zuora: who sees what, what they may do, and that no secret shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from integrations.providers.zuora.hosts import DataCenter
from integrations.providers.zuora.models import CustomerStatus, Workflow, WorkflowRun, ZuoraCustomer
from synclogs.models import Job
from tests.factories import AccountFactory, UserFactory
from tests.integrations.providers.zuora.conftest import ALDER, BIRCH, MakeCustomer, Zuora
from tests.integrations.providers.zuora.syncing import sync

pytestmark = pytest.mark.django_db

LISTS = ("zuoracustomer", "workflow", "workflowrun")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(model: str, row: Any = None) -> str:
    if row is None:
        return reverse(f"admin:zuora_{model}_changelist")
    return reverse(f"admin:zuora_{model}_change", args=[row.pk])


def operation(name: str, customer: ZuoraCustomer) -> str:
    return reverse(f"admin:zuora_zuoracustomer_{name}", args=[customer.pk])


@pytest.fixture
def operator(customer: ZuoraCustomer) -> Client:
    """An admin of the customer's account."""
    return signed_in(UserFactory(groups=["admin"], accounts=[customer.account]))


@pytest.fixture
def governor() -> Client:
    """A sudo_admin."""
    return signed_in(UserFactory(groups=["sudo_admin"]))


def rows_of(customer: ZuoraCustomer) -> tuple[Workflow, WorkflowRun]:
    now = timezone.now()
    stamps = {"first_seen_at": now, "last_changed_at": now}
    workflow = Workflow.objects.create(customer=customer, zuora_id=48, name="Nightly dunning", **stamps)
    run = WorkflowRun.objects.create(
        customer=customer, workflow=workflow, zuora_id=90, name="WF-48-00000001", tasks_error=2,
        has_errors=True, status="Finished", **stamps,
    )  # fmt: skip
    return workflow, run


@pytest.mark.parametrize("role", ["sudo_admin", "admin", "viewer"])
def test_the_pages_open_for_those_who_may_see_runs(customer: ZuoraCustomer, role: str) -> None:
    client = signed_in(UserFactory(groups=[role], accounts=[customer.account]))
    workflow, run = rows_of(customer)
    for model, row in zip(LISTS, (customer, workflow, run), strict=True):
        assert client.get(page(model)).status_code == 200
        text = client.get(page(model, row)).content.decode()
        assert str(row) in text
        assert ALDER.client_secret not in text


@pytest.mark.parametrize("model", LISTS)
def test_planners_see_none_of_it(customer: ZuoraCustomer, model: str) -> None:
    client = signed_in(UserFactory(groups=["planner"], accounts=[customer.account]))
    assert client.get(page(model)).status_code == 403


def test_other_accounts_rows_do_not_exist(operator: Client, make_customer: MakeCustomer) -> None:
    other = make_customer(login=BIRCH, name="Somebody else")
    for model, row in zip(LISTS, (other, *rows_of(other)), strict=True):
        assert str(row) not in operator.get(page(model)).content.decode()
        assert operator.get(page(model, row)).status_code == 302
    for name in ("sync", "test", "reactivate", "deactivate"):
        assert operator.post(operation(name, other)).status_code == 302
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["sync", "test", "reactivate", "deactivate"])
def test_viewers_may_look_only_and_nothing_happens_on_get(
    operator: Client, customer: ZuoraCustomer, name: str
) -> None:
    viewer = signed_in(UserFactory(groups=["viewer"], accounts=[customer.account]))
    assert viewer.post(operation(name, customer)).status_code == 403
    assert operator.get(operation(name, customer)).status_code == 405
    assert "Sync now" not in viewer.get(page("zuoracustomer")).content.decode()
    assert "Sync now" not in viewer.get(page("zuoracustomer", customer)).content.decode()


def test_sync_now_queues_a_forced_sync_and_shows_its_job(operator: Client, customer: ZuoraCustomer) -> None:
    reply = operator.post(operation("sync", customer))
    job = Job.objects.get()
    assert reply.headers["Location"] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert job.args["force"] is True
    operator.post(operation("sync", customer))
    assert Job.objects.count() == 1


def test_testing_a_connection_says_what_came_of_it(
    zuora: Zuora, operator: Client, customer: ZuoraCustomer
) -> None:
    text = operator.post(operation("test", customer), follow=True).content.decode()
    assert "Zuora accepts the client" in text
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "other"}})
    text = operator.post(operation("test", customer), follow=True).content.decode()
    assert "The test failed" in text
    assert "wrong data center" in text
    customer.refresh_from_db()
    assert customer.sync_status == CustomerStatus.NEEDS_ATTENTION


def test_the_way_back_from_needing_attention(zuora: Zuora, governor: Client, customer: ZuoraCustomer) -> None:
    """Refused, a new secret is entered, tested, re-activated, and the sync works."""
    zuora.seed(workflows=2)
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "brand new"}})
    sync(customer)
    customer.refresh_from_db()
    assert customer.sync_status == CustomerStatus.NEEDS_ATTENTION
    form = form_of(customer, new_secret="brand new")
    assert governor.post(page("zuoracustomer", customer), form).status_code == 302
    assert b"accepts" in governor.post(operation("test", customer), follow=True).content
    governor.post(operation("reactivate", customer))
    customer.refresh_from_db()
    assert (customer.sync_status, customer.secret) == (CustomerStatus.ACTIVE, "brand new")
    sync(customer)
    assert Workflow.objects.count() == 2


def form_of(customer: ZuoraCustomer, **changes: str) -> dict[str, str]:
    return {
        "name": customer.name,
        "base_url": customer.base_url,
        "client_id": customer.client_id,
        "entity_id": "",
        "org_ids": "",
        "new_secret": "",
        **changes,
    }


def test_an_empty_secret_keeps_the_stored_one(governor: Client, customer: ZuoraCustomer) -> None:
    governor.post(page("zuoracustomer", customer), form_of(customer, name="Renamed"))
    customer.refresh_from_db()
    assert (customer.name, customer.secret) == ("Renamed", ALDER.client_secret)
    customer.integration.refresh_from_db()
    assert customer.integration.name == "Renamed"


def test_a_customer_is_added_with_its_connection(governor: Client) -> None:
    account = AccountFactory()
    form = {
        "account": str(account.pk),
        "name": "New tenant",
        "base_url": DataCenter.EU,
        "client_id": "c" * 36,
        "new_secret": "s3cret-of-new",
        "entity_id": "",
        "org_ids": "",
    }
    add = reverse("admin:zuora_zuoracustomer_add")
    reply = governor.post(add, {**form, "new_secret": ""})
    assert b"This field is required" in reply.content
    assert governor.post(add, form).status_code == 302
    row = ZuoraCustomer.objects.get()
    assert (row.secret, row.integration.account, row.integration.provider) == (
        "s3cret-of-new",
        account,
        "zuora",
    )
    assert b"already" in governor.post(add, form).content


@pytest.mark.parametrize("base_url", ["https://evil.example.com", "http://rest.zuora.com", ""])
def test_only_zuoras_own_data_centers_can_be_chosen(
    governor: Client, customer: ZuoraCustomer, base_url: str
) -> None:
    reply = governor.post(page("zuoracustomer", customer), form_of(customer, base_url=base_url))
    assert reply.status_code == 200
    customer.refresh_from_db()
    assert customer.base_url == DataCenter.US_CLOUD_2


def test_admins_may_not_enter_secrets(operator: Client, customer: ZuoraCustomer) -> None:
    assert operator.get(reverse("admin:zuora_zuoracustomer_add")).status_code == 403
    reply = operator.post(page("zuoracustomer", customer), form_of(customer, new_secret="x"))
    assert reply.status_code == 403
    assert b"new_secret" not in operator.get(page("zuoracustomer", customer)).content


def test_selected_customers_are_switched_together(operator: Client, customer: ZuoraCustomer) -> None:
    for action, status in (
        ("deactivate_selected", CustomerStatus.INACTIVE),
        ("reactivate_selected", CustomerStatus.ACTIVE),
    ):
        operator.post(page("zuoracustomer"), {"action": action, "_selected_action": [customer.pk]})
        customer.refresh_from_db()
        assert customer.sync_status == status


@pytest.mark.parametrize("model", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    governor: Client, make_customer: MakeCustomer, model: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert governor.get(page(model)).status_code == 200
        return len(captured)

    rows_of(make_customer())
    queries()
    before = queries()
    for _ in range(3):
        rows_of(make_customer())
    assert queries() == before
