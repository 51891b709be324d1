"""The simulated ServiceTitan API, version 2: docs/servicetitan.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from integrations.providers.servicetitan.sandbox import controls, lists, problems
from integrations.providers.servicetitan.sandbox.clients import (
    ENVIRONMENTS,
    FIRST_TENANT,
    Clients,
    default_client,
    parse_client,
)
from integrations.providers.servicetitan.sandbox.dataset import KINDS, Dataset, Shelf
from integrations.providers.servicetitan.sandbox.feeds import PARAMETERS, Feed, Quirks
from integrations.providers.servicetitan.sandbox.options import SEED_OPTIONS, SeedOptions
from integrations.providers.servicetitan.sandbox.problems import Problem
from integrations.providers.servicetitan.sandbox.switches import Switches
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.sandbox import ProviderSandbox, SandboxRequest, SandboxResponse

MODULES = {"crm": "customers", "accounting": "invoices"}
_ROUTE = re.compile(
    r"/(?P<module>crm|accounting)/v2/tenant/(?P<tenant>\d{1,18})"
    r"/(?P<export>export/)?(?P<kind>customers|invoices)(?:/(?P<id>\d{1,18}))?/?$"
)
_SECRET_PARAMETERS = frozenset({"servicetitanapplicationkey"})
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Route:
    """What a path asks for; `environment` is None where the path does not say."""

    environment: str | None
    is_token: bool = False
    module: str = ""
    tenant: str = ""
    kind: str = ""
    export: bool = False
    id: str | None = None


def route_of(path: str) -> Route | None:
    """Read a path below the provider's prefix; None when the API has no such path."""
    environment, rest = None, path
    head, _, below = path.lstrip("/").partition("/")
    if head in ENVIRONMENTS:
        environment, rest = head, f"/{below}"
    if rest.rstrip("/") == "/connect/token":
        return Route(environment, is_token=True)
    found = _ROUTE.match(rest)
    if found is None or MODULES[found["module"]] != found["kind"]:
        return None
    by_id = found["id"]
    if by_id is not None and (found["export"] or found["kind"] != "customers"):
        return None
    return Route(
        environment, False, found["module"], found["tenant"], found["kind"], bool(found["export"]), by_id
    )


class ServiceTitanSandbox(ProviderSandbox):
    """Token endpoint, customers and invoices as lists and as export feeds, for several tenants."""

    slug = PROVIDER
    seed_options: ClassVar[Mapping[str, str]] = SEED_OPTIONS
    control_paths: ClassVar[Mapping[str, str]] = controls.CONTROL_PATHS

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Hold nothing, with the client of the first tenant and the usual settings."""
        with self.lock:
            self.clients = Clients()
            self.clients.put(default_client(1))
            self.switches = Switches()
            self.violations: list[dict[str, str]] = []
            self._refusals = 0
            self._hold(Dataset())

    def _hold(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._quirks = {kind: Quirks() for kind in KINDS}
        self._mutations: Counter[str] = Counter()

    def seed(self, **options: Any) -> dict[str, Any]:
        """Replace the records by generated ones; SEED_OPTIONS lists the options. Raises SandboxError."""
        chosen = SeedOptions.parse(options)
        with self.lock:
            self._hold(Dataset(chosen))
            for number in range(1, chosen.tenants + 1):
                for environment in ENVIRONMENTS:
                    self.clients.put(default_client(number, environment))
            return self.state()

    def state(self) -> dict[str, Any]:
        """Return seed options, clients without secrets, settings, and how many tokens were issued."""
        with self.lock:
            options = self._dataset.options
            return {
                "customers": options.customers,
                "invoices": options.invoices,
                "tenants": options.tenants,
                "hostile": {"customers": 4, "invoices": 2} if options.hostile else {},
                "clients": self.clients.describe(),
                "switches": self.switches.as_dict(),
                "tokens_issued": self.clients.tokens_issued,
                "violations": len(self.violations),
            }

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer the token endpoint, a feed, a list, or one customer."""
        with self.lock:
            try:
                return self._answer(request)
            except Problem as problem:
                self._refusals += 1
                return problems.response(problem, self.switches.error_body, self._refusals)

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        route = route_of(request.path)
        if route is None:
            raise Problem(404, "There is nothing at this address.")
        if route.is_token:
            if request.method != "POST":
                raise Problem(405, "Only POST is possible here.")
            return self.clients.token(request, route.environment, self.switches)
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, "Only GET is possible here.")
        client = self.clients.authorize(request, route.environment, route.module, route.tenant, self.switches)
        shelf = self._dataset.shelf(client.environment, client.tenant, route.kind)
        self._note_violations(request, route)
        if route.id is not None:
            return self._one(shelf, int(route.id))
        if route.export:
            name = f"{client.environment}/{client.tenant}/export/{route.kind}"
            feed = Feed(name, shelf, self._quirks[route.kind])
            response = feed.answer(request, self.switches)
            first = not request.parameter("from")
        else:
            response = lists.answer(request, route.kind, shelf)
            first = request.parameter("page", "1") == "1"
        self._mutate(route.kind, shelf, response, first=first)
        return response

    def _one(self, shelf: Shelf, key: int) -> SandboxResponse:
        held = shelf.get(key)
        if held is None:
            raise Problem(404, f"There is no record {key}.")
        return SandboxResponse(200, {"Content-Type": "application/json; charset=utf-8"}, held.body)

    def _mutate(self, kind: str, shelf: Shelf, response: SandboxResponse, *, first: bool) -> None:
        """After a first page that has a second, change the record that stands first."""
        if not (first and self._mutations[kind] and b'"hasMore":true' in response.body[:200]):
            return
        self._mutations[kind] -= 1
        shelf.touch(shelf.in_order()[0].place[1])

    def _note_violations(self, request: SandboxRequest, route: Route) -> None:
        if route.export:
            known, silent = PARAMETERS, frozenset[str]()
        elif route.id is not None:
            known, silent = frozenset[str](), frozenset[str]()
        else:
            known, silent = frozenset(lists.SIMULATED[route.kind]), frozenset(lists.NOT_SIMULATED[route.kind])
        for name in sorted(set(request.query) - known - _SECRET_PARAMETERS):
            what = "not simulated" if name in silent else "unknown"
            self.violations.append({"path": request.path, "parameter": name[:_SHOWN], "problem": what})

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer the calls of CONTROL_PATHS."""
        name = f"{request.method} {request.path.strip('/')}"
        if name not in controls.CONTROL_PATHS:
            return None
        document = request.json_object()
        with self.lock:
            return SandboxResponse.json(self._control(name, document))

    def _control(self, name: str, document: dict[str, Any]) -> Any:
        if name == "POST clients":
            for client_id, given in document.items():
                if given is None:
                    self.clients.remove(client_id)
                else:
                    self.clients.put(parse_client(client_id, given))
            return {"clients": self.clients.describe()}
        if name == "POST switches":
            self.switches = self.switches.changed(document)
            return self.switches.as_dict()
        if name == "POST records":
            return controls.put_records(self._dataset, document, ("integration", FIRST_TENANT))
        if name == "POST touch":
            return controls.touch(self._dataset, document, self.clients.tenants())
        if name == "POST mutate":
            self._mutations[controls.kind_of(document)] = controls.times_of(document, "times") or 1
            return {"mutations": dict(self._mutations)}
        if name == "POST quirks":
            chosen = ("empty_first_page", "stuck_token")
            quirks = Quirks(*(controls.times_of(document, quirk) for quirk in chosen))
            self._quirks[controls.kind_of(document)] = quirks
            return {quirk: getattr(quirks, quirk) for quirk in chosen}
        if name == "POST expire":
            return {"expired": self.clients.expire_tokens()}
        shown = list(self.violations)
        if name == "DELETE violations":
            self.violations.clear()
        return {"violations": shown}

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Return what was asked for, the query without keys, and the names of the headers."""
        route = route_of(request.path)
        query = {
            name: values[-1][:_SHOWN]
            for name, values in request.query.items()
            if name.lower() not in _SECRET_PARAMETERS
        }
        kind = "token" if route and route.is_token else (route.kind if route else "")
        return {"kind": kind, "query": query, "headers": sorted(request.headers)}

    def auth_state(self, request: SandboxRequest) -> str:
        """Judge the token of a call; the token endpoint needs none."""
        route = route_of(request.path)
        if route is None or route.is_token:
            return "none"
        if not request.header("authorization"):
            return "missing"
        with self.lock:
            client = self.clients.identify(request, route.environment, self.switches)
        return "invalid" if client is None else "valid"

    def application_error(self, message: str) -> SandboxResponse:
        """Build a reply with status 200 that is not of the shape that the API promises."""
        return SandboxResponse.json({"error": message})

    def environment(self, url: str) -> dict[str, str]:
        """Return the product's settings for this server: a path prefix for each environment."""
        return {
            f"SERVICETITAN_{environment.upper()}_{host}_URL": f"{url}/{environment}"
            for environment in ENVIRONMENTS
            for host in ("API", "AUTH")
        }
