"""Monzo in `manage.py dev`: the person of the sandbox whose accounts have everything."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Account, User
from integrations.demonstration import Demonstration
from integrations.models import Credential, CredentialStatus, Event, Integration, OAuthApplication
from integrations.providers.monzo import jobs
from integrations.providers.monzo.client import PROVIDER
from integrations.providers.monzo.connecting import NAMES, connected
from integrations.providers.monzo.sandbox.generator import OWNER
from integrations.providers.monzo.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, DEMO_ACCESS, DEMO_REFRESH
from synclogs.models import Job

PULLS = {
    "accounts": jobs.MonzoAccountPull,
    "transactions": jobs.MonzoTransactionPull,
    "pots": jobs.MonzoPotPull,
    "balances": jobs.MonzoBalancePull,
}


def _prepare() -> str:
    """Connect the sandbox's person as if they had consented and approved; the sandbox knows the tokens."""
    account = Account.objects.platform()
    application, _ = OAuthApplication.objects.get_or_create(
        account=account, provider=PROVIDER, environment="", defaults={"client_id": CLIENT_ID}
    )
    if application.client_id == CLIENT_ID:
        application.secrets = {"client_secret": CLIENT_SECRET}
        application.save()
    credential, is_new = Credential.objects.get_or_create(
        account=account,
        user=_person(),
        provider=PROVIDER,
        external_id=OWNER,
        defaults={"kind": "oauth2", "label": "Robin's Monzo (sandbox)"},
    )
    credential.auth_metadata = {**credential.auth_metadata, "application": application.pk}
    credential.expires_at = timezone.now() + timedelta(hours=5)
    credential.status = CredentialStatus.ACTIVE
    credential.save()
    credential.replace_secrets({"access_token": DEMO_ACCESS, "refresh_token": DEMO_REFRESH})
    if is_new:
        connected(credential)
    return "Robin Example's accounts, connected and approved"


def _person() -> User:
    user, is_new = User.objects.get_or_create(
        username="robin.example", defaults={"first_name": "Robin", "last_name": "Example"}
    )
    if is_new:
        user.set_unusable_password()
        user.save()
    return user


def _connections() -> dict[str, Integration]:
    rows = Integration.objects.filter(provider=PROVIDER, external_id=OWNER, deleted_at__isnull=True)
    return {row.instance_type: row for row in rows}


def _start() -> list[Job]:
    """The history where it has not been read yet, else a poll of each kind."""
    found = _connections()
    history = Job.objects.filter(name=jobs.MonzoHistoricalData.name, integration=found["accounts"])
    if found["accounts"].initialized_at is None and history.exists():
        return [history.latest("created_at")]
    return [PULLS[name].dispatch(found[name]) for name in NAMES if name in found]


DEMONSTRATION = Demonstration(
    noun="records",
    prepare=_prepare,
    is_new=lambda: not Event.objects.filter(service=PROVIDER).exists(),
    start=_start,
    edit=("settle", {"change": -8}),
)
