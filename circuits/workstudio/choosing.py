"""Which WorkStudio logins a run may use, and in what order. docs/workstudio.md, "Logins"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.db.models import F

from accounts.models import Account
from circuits.workstudio.errors import WorkStudioNotConfigured
from circuits.workstudio.login import Login, Logins
from circuits.workstudio.table import PROVIDER
from integrations.models import Credential, CredentialStatus
from integrations.sync.among import Among


def choose_logins(
    account: Account, planners: Mapping[str, Collection[int]] | None = None, *, record: bool = True
) -> Logins:
    """The logins of the next calls: two queries at most.

    `planners` are the users who plan each work order: their own logins come before the service account's in
    calls for it. Without `record` nothing is written about who was refused. Raises WorkStudioNotConfigured
    when there is no login at all.
    """
    service, why_none = _service_account(account)
    own = _own_logins(account, planners or {})
    if why_none is not None and not own:
        raise why_none
    return Logins(service, own, nobody=why_none, record=record)


def _service_account(
    account: Account,
) -> tuple[Sequence[Login | Credential], WorkStudioNotConfigured | None]:
    """The account's stored logins; the environment's only where none is stored at all."""
    stored = list(
        Credential.objects.for_account(account)
        .filter(provider=PROVIDER, user__isnull=True)
        .order_by("external_id", "pk")
    )
    if not stored:
        return _from_the_environment()
    usable = [credential for credential in stored if credential.status == CredentialStatus.ACTIVE]
    return usable, None if usable else _unusable(stored[0])


def _from_the_environment() -> tuple[Sequence[Login], WorkStudioNotConfigured | None]:
    if settings.WORKSTUDIO_USERNAME and settings.WORKSTUDIO_PASSWORD:
        return [Login(settings.WORKSTUDIO_USERNAME, settings.WORKSTUDIO_PASSWORD)], None
    missing = "WORKSTUDIO_PASSWORD" if settings.WORKSTUDIO_USERNAME else "WORKSTUDIO_USERNAME"
    message = f"{missing} is not set and no login is stored, so WorkStudio cannot be asked for anything"
    return [], WorkStudioNotConfigured(message)


def _unusable(credential: Credential) -> WorkStudioNotConfigured:
    why = f" ({credential.status_reason})" if credential.status_reason else ""
    return WorkStudioNotConfigured(
        f"the service account's login {credential} cannot be used: {credential.get_status_display()}{why}",
        actionable_message="Enter its new user name and password under Credentials, or re-activate it there.",
    )


def _own_logins(account: Account, planners: Mapping[str, Collection[int]]) -> dict[str, Sequence[Credential]]:
    """The usable logins of active planners by work order, the one that rested longest first."""
    users = {user for some in planners.values() for user in some}
    if not users:
        return {}
    stored = (
        Credential.objects.for_account(account)
        .filter(Among("user_id", users), provider=PROVIDER, status=CredentialStatus.ACTIVE)
        .filter(user__is_active=True)
        .order_by(F("last_used_at").asc(nulls_first=True), "pk")
    )
    own = list(stored)
    by_work_order = {
        work_order: [credential for credential in own if credential.user_id in some]
        for work_order, some in planners.items()
    }
    return {work_order: some for work_order, some in by_work_order.items() if some}
