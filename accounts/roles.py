"""The four roles and what each may do: docs/security.md, "Roles".

Roles are Django groups, kept in step with this table after every migrate. Which accounts a user may look
into is Membership's business; only sudo_admin looks into all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import m2m_changed, post_migrate

SUDO_ADMIN, ADMIN, PLANNER, VIEWER = "sudo_admin", "admin", "planner", "viewer"
ROLES = (SUDO_ADMIN, ADMIN, PLANNER, VIEWER)

CIRCUITS = (
    "circuits.view_circuit",
    "circuits.view_circuitaggregate",
    "circuits.view_circuitplanner",
    "circuits.view_circuitsnapshot",
    "circuits.view_circuituistate",
    "circuits.view_region",
)
LEDGER = (
    "synclogs.view_synclog",
    "synclogs.view_syncissue",
    "synclogs.view_job",
    "synclogs.view_jobattempt",
    "synclogs.view_alert",
    "synclogs.view_commandexecution",
    "synclogs.view_workerheartbeat",
    "integrations.view_integration",
    "integrations.view_webhookdelivery",
    "integrations.view_event",
    "integrations.view_eventobject",
    "integrations.view_block",
    "integrations.view_ratebudget",
    "circuits.view_unlinkedplanner",
    "circuits.view_apistatusconfig",
    "circuits.view_unittype",
)
OPERATING = (
    "synclogs.operate_syncs",
    "synclogs.change_alert",
    "integrations.change_integration",
    "integrations.view_rawpayload",
    "circuits.link_planners",
    "circuits.change_workflow_stage",
    "circuits.change_circuit",
    "circuits.change_region",
    "circuits.change_apistatusconfig",
    "circuits.change_unittype",
    "circuits.add_circuitplanner",
    "circuits.change_circuitplanner",
    "circuits.delete_circuitplanner",
)
GOVERNED_MODELS = (
    "accounts.user",
    "accounts.account",
    "accounts.membership",
    "integrations.credential",
    "integrations.oauthapplication",
)
GOVERNING = (
    "admin.view_logentry",
    "auth.view_group",
    *(
        name.replace(".", f".{verb}_")
        for name in GOVERNED_MODELS
        for verb in ("view", "add", "change", "delete")
    ),
)

PERMISSIONS: dict[str, frozenset[str]] = {
    SUDO_ADMIN: frozenset((*CIRCUITS, *LEDGER, *OPERATING, *GOVERNING)),
    ADMIN: frozenset((*CIRCUITS, *LEDGER, *OPERATING)),
    PLANNER: frozenset(CIRCUITS),
    VIEWER: frozenset((*CIRCUITS, *LEDGER)),
}


def grant(permissions: Iterable[str], *roles: str) -> None:
    """Add an app's permissions (`app_label.codename`) to roles; providers call it from their `provider.py`.

    Raises KeyError for a role that does not exist.
    """
    for role in roles:
        PERMISSIONS[role] = PERMISSIONS[role] | frozenset(permissions)


def sync_roles(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Give each role exactly its permissions of one app; called after that app's permissions were made."""
    from django.contrib.auth.models import Group, Permission

    existing = {
        f"{app_config.label}.{permission.codename}": permission
        for permission in Permission.objects.using(using).filter(content_type__app_label=app_config.label)
    }
    for role, wanted in PERMISSIONS.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        have = set(group.permissions.filter(content_type__app_label=app_config.label))
        should = {permission for name, permission in existing.items() if name in wanted}
        group.permissions.add(*(should - have))
        group.permissions.remove(*(have - should))


def make_role_holders_staff(instance: Any, action: str, pk_set: set[int] | None, **kwargs: Any) -> None:
    """Whoever gets a role may sign in to the admin, whichever side the group was given from."""
    from accounts.models import User

    if action != "post_add" or not pk_set:
        return
    if not isinstance(instance, User):
        if instance.name in ROLES:
            User.objects.filter(pk__in=pk_set, is_staff=False).update(is_staff=True)
    elif not instance.is_staff and instance.groups.filter(pk__in=pk_set, name__in=ROLES).exists():
        User.objects.filter(pk=instance.pk).update(is_staff=True)
        instance.is_staff = True


def connect() -> None:
    """Attach the receivers; called once when the app is ready."""
    from accounts.models import User

    post_migrate.connect(sync_roles, dispatch_uid="sync_roles")
    m2m_changed.connect(
        make_role_holders_staff, sender=User.groups.through, dispatch_uid="role_holders_are_staff"
    )
