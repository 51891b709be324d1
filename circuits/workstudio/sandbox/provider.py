"""The simulated WorkStudio server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from circuits.workstudio.sandbox import controls
from circuits.workstudio.sandbox.auth import Logins, unauthorized
from circuits.workstudio.sandbox.dataset import Dataset
from circuits.workstudio.sandbox.facts import describe
from circuits.workstudio.sandbox.headings import Headings
from circuits.workstudio.sandbox.mutate import wrong_types
from circuits.workstudio.sandbox.options import SEED_OPTIONS, SeedOptions
from circuits.workstudio.sandbox.people import DEFAULT_LOGINS, PASSWORD, SERVICE_USERNAME, Login
from circuits.workstudio.sandbox.views import ViewError, Views, parse_query
from integrations.sandbox import ProviderSandbox, SandboxRequest, SandboxResponse

_HEALTH_PAGE = "<html><body><h1>WorkStudio sandbox</h1></body></html>"
_NOT_FOUND = "<html><body><h1>404 Not Found</h1></body></html>"
_PROTOCOL_ROOT = "ddoprotocol"
_SUMMARY_LENGTH = 100


class WorkStudioSandbox(ProviderSandbox):
    """WorkStudio's DDOProtocol with two views, Basic authentication and region rights.

    Args:
        logins: accounts instead of the two default ones.
    """

    slug = "workstudio"
    seed_options: ClassVar[Mapping[str, str]] = SEED_OPTIONS
    control_paths: ClassVar[Mapping[str, str]] = controls.CONTROL_PATHS

    def __init__(self, logins: Iterable[Login] = DEFAULT_LOGINS) -> None:
        super().__init__()
        self._initial_logins = tuple(logins)
        self.reset()

    def reset(self) -> None:
        """Hold nothing, with the initial logins and the usual columns."""
        with self.lock:
            self.logins = Logins(self._initial_logins)
            self._hold(Dataset(), Headings())

    def seed(self, **options: Any) -> dict[str, Any]:
        """Replace the circuits by generated ones; SEED_OPTIONS lists the options. Raises SandboxError."""
        dataset = Dataset(SeedOptions.parse(options))
        with self.lock:
            self._hold(dataset, self._headings)
            return self.state()

    def state(self) -> dict[str, Any]:
        """Return the counted data set (see ``facts.describe``), the logins without passwords, the columns."""
        with self.lock:
            return {
                "seed": self._dataset.options.seed,
                "units": self._dataset.options.units,
                **describe(self._dataset.records),
                "users": self.logins.describe(),
                "headings": self._headings.as_dict(),
            }

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer a protocol call, or the health page on the base path."""
        protocol = _protocol(request)
        if protocol is None:
            is_base = request.path.strip("/") == "" and request.method in ("GET", "HEAD")
            return SandboxResponse.html(_HEALTH_PAGE) if is_base else SandboxResponse.html(_NOT_FOUND, 404)
        _, login = self.logins.check(request.header("authorization"))
        if login is None:
            return unauthorized()
        if protocol == "HEARTBEAT":
            return SandboxResponse.json({"protocol": "OK"})
        if protocol != "GETVIEWDATA":
            return self.application_error(f"Invalid protocol: {protocol}")
        return self._view_data(request, login)

    def _view_data(self, request: SandboxRequest, login: Login) -> SandboxResponse:
        try:
            query = parse_query(json.loads(request.body))
        except (ValueError, RecursionError):
            return self.application_error("The request is not valid JSON.")
        except ViewError as error:
            return self.application_error(str(error))
        with self.lock:
            body = self._views.reply(query, login)
        return SandboxResponse(200, {"Content-Type": "application/json"}, body)

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer ``circuits``, ``touch``, ``move``, ``headings``, ``load`` and ``users``."""
        name = request.path.strip("/")
        if f"{request.method} {name}" not in self.control_paths:
            return None
        if name == "circuits":
            with self.lock:
                return SandboxResponse.json(controls.upsert(self._dataset, request.json()))
        document = request.json_object()
        with self.lock:
            return SandboxResponse.json(self._control(name, document))

    def _control(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        if name == "touch":
            return controls.touch(self._dataset, document)
        if name == "move":
            return controls.move(self._dataset, document)
        if name == "load":
            return controls.load(self._dataset, document)
        if name == "headings":
            self._hold(self._dataset, Headings.parse(document))
            return self._headings.as_dict()
        return self._change_users(document)

    def _change_users(self, document: dict[str, Any]) -> dict[str, Any]:
        changed = [controls.parse_login(name, login) for name, login in document.items() if login is not None]
        for name, login in document.items():
            if login is None:
                self.logins.remove(name)
        for parsed in changed:
            self.logins.put(parsed)
        return {"users": self.logins.describe()}

    def _hold(self, dataset: Dataset, headings: Headings) -> None:
        self._dataset = dataset
        self._headings = headings
        self._views = Views(dataset, headings)

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Return protocol, view, filter and value of a call."""
        protocol = _protocol(request)
        if protocol is None:
            return {}
        summary: dict[str, Any] = {"protocol": protocol}
        if protocol == "GETVIEWDATA":
            summary.update(_view_summary(request.body))
        return summary

    def auth_state(self, request: SandboxRequest) -> str:
        """Judge the Authorization header; the base path needs none."""
        if _protocol(request) is None:
            return "none"
        return self.logins.check(request.header("authorization"))[0]

    def application_error(self, message: str) -> SandboxResponse:
        """Build the server's ERROR reply, which has status 200."""
        return SandboxResponse.json({"protocol": "ERROR", "errorMessage": message})

    def wrong_types(self, response: SandboxResponse, params: Mapping[str, Any]) -> SandboxResponse:
        """Spoil the types of a reply's values, or of its table with ``envelope``."""
        return wrong_types(response, params)

    def environment(self, url: str) -> dict[str, str]:
        """Return the product's settings for this server and its service account."""
        return {
            "WORKSTUDIO_API_URL": url,
            "WORKSTUDIO_USERNAME": SERVICE_USERNAME,
            "WORKSTUDIO_PASSWORD": PASSWORD,
        }


def _protocol(request: SandboxRequest) -> str | None:
    """Return the protocol's name from the path, None for other paths."""
    parts = [part for part in request.path.split("/") if part]
    if len(parts) != 2 or parts[0].lower() != _PROTOCOL_ROOT or request.method not in ("GET", "POST"):
        return None
    return parts[1].upper()


def _view_summary(body: bytes) -> dict[str, str]:
    try:
        query = parse_query(json.loads(body))
    except (ValueError, RecursionError):
        return {"problem": "not JSON"}
    except ViewError as error:
        return {"problem": str(error)[:_SUMMARY_LENGTH]}
    return {"view": query.view, "filter": query.filter_name, "value": query.value[:_SUMMARY_LENGTH]}
