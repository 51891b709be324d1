"""The person who signs in, with their WorkStudio identity."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property

MAX_WS_USERNAME = 150
MAX_WS_KEY = 3 * MAX_WS_USERNAME
"""Taking away the case of one character makes up to three of it."""


def normalize_ws_username(username: str) -> str:
    """The form in which two WorkStudio names (`DOMAIN\\user`, Windows style) are compared."""
    return username.strip().casefold()


class User(AbstractUser):
    """A person. `ws_username` links them to the planner of the same name in WorkStudio."""

    ws_username = models.CharField("WorkStudio username", max_length=MAX_WS_USERNAME, blank=True, default="")
    ws_username_key = models.CharField(
        max_length=MAX_WS_KEY, blank=True, default="", db_index=True, editable=False
    )
    ws_user_guid = models.CharField("WorkStudio GUID", max_length=64, blank=True, default="", db_index=True)
    is_ws_linked = models.BooleanField("linked to WorkStudio", default=False)
    ws_linked_at = models.DateTimeField("linked at", null=True, blank=True)
    default_region = models.ForeignKey(
        "circuits.Region", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(AbstractUser.Meta):
        pass

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the comparable form of the WorkStudio name in step with the name."""
        self.ws_username_key = normalize_ws_username(self.ws_username)
        update_fields = kwargs.get("update_fields")
        if update_fields is not None and "ws_username" in update_fields:
            kwargs["update_fields"] = {*update_fields, "ws_username_key"}
        super().save(*args, **kwargs)

    @cached_property
    def sees_all_accounts(self) -> bool:
        """Whether account scoping does not apply: superusers and the group sudo_admin."""
        return self.is_superuser or self.groups.filter(name="sudo_admin").exists()
