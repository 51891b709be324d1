"""The WorkStudio client: one pooled session, five attempts, a pause after every five calls."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import sleep
from typing import Any, TypeVar

from django.conf import settings

from circuits.statuses import FILTER_CAPTIONS, ApiStatus
from circuits.workstudio.errors import WorkStudioNotConfigured, WorkStudioProtocolError
from circuits.workstudio.login import Login, Logins
from circuits.workstudio.table import PROVIDER, DDOTable, protocol_of, read_reply, read_table
from integrations.http.closing import Closing
from integrations.http.errors import IntegrationError, Unauthorized
from integrations.http.pacing import Pacer
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiResponse, ApiSession

T = TypeVar("T")

logger = logging.getLogger("syncplatform.workstudio")

PROTOCOL_PATH = "/ddoprotocol"
RETRY_STATUSES = frozenset({429, *range(500, 600)})
HEALTH_TIMEOUT_SECONDS = 10.0
WAIT_MAX_SECONDS = 30.0
WAIT_FOR_VENDOR_SECONDS = 10.0
ONCE = RetryPolicy(attempts=1)


def service_root(url: str) -> str:
    """The server's address without `/DDOProtocol/` at its end, however that is spelled."""
    root = url.strip().rstrip("/")
    return root[: -len(PROTOCOL_PATH)] if root.lower().endswith(PROTOCOL_PATH) else root


def _trust() -> bool | str:
    return settings.WORKSTUDIO_CA_BUNDLE or settings.WORKSTUDIO_VERIFY_TLS


def _expect_ok(response: ApiResponse) -> None:
    protocol = protocol_of(read_reply(response.content))
    if protocol != "OK":
        raise WorkStudioProtocolError(f"the heartbeat was answered with {protocol[:40]!r}", provider=PROVIDER)


def _total_timeout() -> float:
    """Seconds that one call may take: every attempt to its limit, and every wait between them."""
    attempts = settings.WORKSTUDIO_MAX_RETRIES
    waits = (max(WAIT_FOR_VENDOR_SECONDS, min(2.0**n, WAIT_MAX_SECONDS)) for n in range(attempts - 1))
    each = settings.WORKSTUDIO_CONNECT_TIMEOUT + settings.WORKSTUDIO_TIMEOUT
    return float(attempts * each + sum(waits))


class WorkStudioClient(Closing):
    """Reads views of the configured WorkStudio server with the logins of a run: docs/workstudio.md.

    Close it, or use it as a context manager.
    """

    def __init__(self, logins: Logins) -> None:
        self.logins = logins
        self._root = service_root(settings.WORKSTUDIO_API_URL)
        self._sessions: dict[Login, ApiSession] = {}
        self._pacer = Pacer(
            settings.WORKSTUDIO_CALLS_BEFORE_DELAY,
            settings.WORKSTUDIO_RATE_LIMIT_DELAY / 1_000_000,
            sleep=sleep,
        )

    def _session(self, login: Login) -> ApiSession:
        """The pooled connections of one login; all logins are paced together."""
        if login not in self._sessions:
            self._sessions[login] = self._open(login)
        return self._sessions[login]

    def _open(self, login: Login) -> ApiSession:
        return ApiSession(
            self._root,
            provider=PROVIDER,
            auth=(login.username, login.password),
            connect_timeout=settings.WORKSTUDIO_CONNECT_TIMEOUT,
            read_timeout=settings.WORKSTUDIO_TIMEOUT,
            total_timeout=_total_timeout(),
            retry=RetryPolicy(
                attempts=settings.WORKSTUDIO_MAX_RETRIES,
                wait_multiplier=1.0,
                wait_max=WAIT_MAX_SECONDS,
                jitter=0.0,
                retry_statuses=RETRY_STATUSES,
                retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT | RetryOn.BAD_REPLY,
                max_wait_in_place=WAIT_FOR_VENDOR_SECONDS,
            ),
            pacer=self._pacer,
            max_body_bytes=settings.WORKSTUDIO_MAX_BODY_MB * 1024 * 1024,
            verify=_trust(),
            sleep=sleep,
        )

    def close(self) -> None:
        """Let go of the pooled connections."""
        for session in self._sessions.values():
            session.close()

    def health_check(self) -> bool:
        """Whether the server is up: anything but a 5xx or silence. Asked once, never raises, logs why not.

        With WORKSTUDIO_HEALTH_CHECK "heartbeat" it must answer OK to that protocol. A refused login counts as
        up in both: the next call says what is wrong.
        """
        try:
            if settings.WORKSTUDIO_HEALTH_CHECK == "heartbeat":
                self._call("HEARTBEAT", {}, parse=_expect_ok, retry=ONCE)
            else:
                self._look_at_the_server()
        except (Unauthorized, WorkStudioNotConfigured):
            return True
        except IntegrationError as error:
            logger.warning("WorkStudio is not healthy: %s", error)
            return False
        return True

    def check_login(self) -> None:
        """Ask the cheapest thing that needs a login, once. Raises IntegrationError: Unauthorized, ..."""
        self.logins.try_each(
            lambda login: self._session(login).request(
                "POST",
                "DDOProtocol/HEARTBEAT",
                json={"Protocol": "HEARTBEAT"},
                idempotent=True,
                parse=_expect_ok,
                retry=ONCE,
                read_timeout=HEALTH_TIMEOUT_SECONDS,
                total_timeout=2 * HEALTH_TIMEOUT_SECONDS,
            )
        )

    def _look_at_the_server(self) -> None:
        """GET the server's address without credentials. Raises IntegrationError for a 5xx or silence only."""
        anonymous = ApiSession(
            self._root,
            provider=PROVIDER,
            connect_timeout=settings.WORKSTUDIO_CONNECT_TIMEOUT,
            read_timeout=HEALTH_TIMEOUT_SECONDS,
            total_timeout=2 * HEALTH_TIMEOUT_SECONDS,
            retry=ONCE,
            verify=_trust(),
        )
        try:
            with anonymous:
                anonymous.request("GET")
        except IntegrationError as error:
            if error.status is None or error.status >= 500:
                raise

    def circuits(self, status: ApiStatus) -> DDOTable:
        """Every circuit in one status that the service account may see; no other login is asked.

        Raises IntegrationError: WorkStudioProtocolError, Unauthorized, ServerError, TimedOut, ...
        """
        return self.get_view_data(
            settings.WORKSTUDIO_VIEW_VEGETATION_ASSESSMENTS,
            name="By Job Status",
            value=status.value,
            caption=FILTER_CAPTIONS[status],
            persist=True,
        )

    def planned_units(self, work_order: str) -> DDOTable:
        """The planned units of one work order, asked for with its planners' logins first.

        Raises IntegrationError as `circuits` does.
        """
        return self.get_view_data(
            settings.WORKSTUDIO_VIEW_PLANNED_UNITS,
            name="WO#",
            value=work_order,
            caption="WO Number",
            work_order=work_order,
        )

    def get_view_data(
        self,
        view: str,
        *,
        name: str,
        value: str,
        caption: str,
        persist: bool = False,
        work_order: str = "",
    ) -> DDOTable:
        """One filtered view as a table; `view` is its GUID with braces, `name` its filter's exact name.

        With `work_order` the logins of its planners are tried first.
        """
        view_filter: dict[str, Any] = {
            "FilterName": name,
            "FilterValue": value,
            "FilterCaption": caption,
            "FilterPrompt": "",
            "ClassName": "TViewFilter",
        }
        if persist:
            view_filter["PersistFilter"] = True
        body = {
            "ViewDefinitionGuid": view,
            "ViewFilter": view_filter,
            "ResultFormat": "DDOTable",
        }
        return self._call(
            "GETVIEWDATA", body, parse=lambda response: read_table(response.content), work_order=work_order
        )

    def _call(
        self,
        protocol: str,
        body: dict[str, Any],
        *,
        parse: Callable[[ApiResponse], T],
        retry: RetryPolicy | None = None,
        work_order: str = "",
    ) -> T:
        """POST one protocol. Reads only, so a repeated request does no harm."""
        return self.logins.try_each(
            lambda login: self._session(login).request(
                "POST",
                f"DDOProtocol/{protocol}",
                json={"Protocol": protocol, **body},
                idempotent=True,
                parse=parse,
                retry=retry,
            ),
            work_order,
        )
