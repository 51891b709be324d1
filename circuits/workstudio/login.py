"""WorkStudio logins: those of one run, tried in turn, and what is noted of them. docs/workstudio.md."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

from circuits.workstudio.errors import (
    WorkStudioLoginUnreadable,
    WorkStudioNotConfigured,
)
from integrations.alerts.credentials import report_refused
from integrations.credentials.encryption import SecretUnreadable
from integrations.http.errors import Forbidden, IntegrationError, Unauthorized
from integrations.models import Credential

T = TypeVar("T")

logger = logging.getLogger("syncplatform.workstudio")

INCOMPLETE = "Enter both the user name (DOMAIN\\user) and the password."


@dataclass(frozen=True, slots=True)
class Login:
    """A WorkStudio account: `DOMAIN\\user` and its password."""

    username: str
    password: str = field(repr=False)


def login_of(credential: Credential) -> Login:
    """The login that a credential holds, whatever its status.

    Raises WorkStudioNotConfigured when a part of it is missing, SecretUnreadable when no key opens it, and
    ImproperlyConfigured when there is no key at all.
    """
    login = Login(credential.secret("username"), credential.secret("password"))
    if not login.username or not login.password:
        raise WorkStudioNotConfigured(
            f"{credential}: a part of the login is missing", actionable_message=INCOMPLETE
        )
    return login


class Logins:
    """The logins that a run may use: the service account's, and before it those of a work order's planners.

    One that is refused is put aside for the rest of the run and the next one is tried. Their credentials keep
    whether they worked, unless `record` is off.
    """

    def __init__(
        self,
        service: Sequence[Login | Credential],
        planners: Mapping[str, Sequence[Credential]] | None = None,
        *,
        nobody: WorkStudioNotConfigured | None = None,
        record: bool = True,
    ) -> None:
        """`planners` are credentials by work order; `nobody` says why there is no service account, if so."""
        self._service = service
        self._planners = planners or {}
        self._nobody = nobody or WorkStudioNotConfigured("there is no login to ask WorkStudio with")
        self._record = record
        self._aside: dict[Login | Credential, IntegrationError] = {}
        self._worked: set[Credential] = set()

    @property
    def spent(self) -> bool:
        """Whether no login is left for any call."""
        known = {*self._service, *(one for some in self._planners.values() for one in some)}
        return known <= self._aside.keys()

    def try_each(self, call: Callable[[Login], T], work_order: str = "") -> T:
        """What `call` returns with the first login that is not refused.

        Raises the last refusal when all are, WorkStudioNotConfigured when there is none, and at once whatever
        else `call` raises.
        """
        refusal: IntegrationError = self._nobody
        for candidate in self._candidates(work_order):
            if candidate in self._aside:
                refusal = self._aside[candidate]
                continue
            try:
                result = call(_read(candidate))
            except (Unauthorized, Forbidden, WorkStudioNotConfigured) as error:
                refusal = error
                self._put_aside(candidate, error)
            else:
                self._note_success(candidate)
                return result
        raise refusal

    def _candidates(self, work_order: str) -> Iterator[Login | Credential]:
        yield from self._planners.get(work_order, ())
        yield from self._service

    def _put_aside(self, candidate: Login | Credential, error: IntegrationError) -> None:
        self._aside[candidate] = error
        if isinstance(candidate, Login):
            return
        logger.warning("%s is not used any more in this run: %s", candidate, error.message)
        if self._record and isinstance(error, Unauthorized):
            candidate.mark_refused(error.code)
            if candidate.user_id is not None:
                report_refused(candidate, error)

    def _note_success(self, candidate: Login | Credential) -> None:
        """Once a run: a write for each call would tell nothing more."""
        if self._record and isinstance(candidate, Credential) and candidate not in self._worked:
            self._worked.add(candidate)
            candidate.mark_used()


def _read(candidate: Login | Credential) -> Login:
    if isinstance(candidate, Login):
        return candidate
    try:
        return login_of(candidate)
    except SecretUnreadable as error:
        message = f"{candidate}: {error}"
        raise WorkStudioLoginUnreadable(message, actionable_message=error.actionable_message) from error
    except ImproperlyConfigured as error:
        raise WorkStudioNotConfigured(f"{candidate}: {error}", actionable_message=str(error)) from error
