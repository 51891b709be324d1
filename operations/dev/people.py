"""The people of a development database: planners whom the sandbox knows, and an administrator."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from accounts.models import User, normalize_ws_username
from circuits.linking import link_planner
from circuits.models import UnlinkedPlanner
from circuits.workstudio.sandbox.people import KNOWN_PLANNERS, Planner

ADMIN = "admin"


def create_known_planners() -> int:
    """Make a user who cannot sign in for each planner that the sandbox calls known; returns how many.

    Circuits that a planner was seen on before are linked, as when an operator links the name.
    """
    return sum(_create_planner(planner) for planner in KNOWN_PLANNERS)


def _create_planner(planner: Planner) -> bool:
    key = normalize_ws_username(planner.username)
    first, _, last = planner.name.partition(" ")
    username = planner.name.lower().replace(" ", ".")
    if User.objects.filter(ws_username_key=key).exists() or User.objects.filter(username=username).exists():
        return False
    with transaction.atomic():
        user = User(username=username, first_name=first, last_name=last, ws_username=planner.username)
        user.is_ws_linked, user.ws_linked_at = True, timezone.now()
        user.set_unusable_password()
        user.save()
        for seen in UnlinkedPlanner.objects.filter(ws_username_key=key, linked_to_user=None):
            link_planner(seen, user)
    return True


@dataclass(frozen=True, slots=True)
class Access:
    """How to sign in. `password` is empty when it is not known here; `note` says why then."""

    username: str
    password: str
    note: str = ""


def ensure_admin(password_file: Path) -> Access:
    """Make the superuser `admin` unless there is one; returns how to sign in.

    The generated password is kept in `password_file`, readable by its owner only, so that it can be shown
    again.
    """
    admin = User.objects.filter(username=ADMIN).first()
    kept = _read(password_file)
    if admin is None:
        password = kept or _generate(password_file)
        User.objects.create_superuser(ADMIN, password=password)
        return Access(ADMIN, password)
    if kept and admin.is_active and admin.check_password(kept):
        return Access(ADMIN, kept)
    return Access(ADMIN, "", "the password that you gave it; `manage.py changepassword admin` sets another")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _generate(path: Path) -> str:
    password = secrets.token_hex(10)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"{password}\n")
    return password
