"""What a provider's simulator is made of: a request, a response, and the class to subclass."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class SandboxError(Exception):
    """A call that the sandbox refuses; it reaches the client as JSON.

    Args:
        message: what is wrong and what would be right.
        status: HTTP status to answer with.
        details: more keys for the JSON reply, for example the valid values.
    """

    def __init__(self, message: str, status: int = 400, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.details = details


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One HTTP request as a simulator sees it.

    Attributes:
        method: upper-case HTTP method.
        path: decoded path below the provider's prefix, always starting with ``/``.
        query: decoded query parameters, each with all its values.
        headers: header values by lower-case name.
        body: the raw bytes.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str, default: str = "") -> str:
        """Return a header's value, whatever the case of its name."""
        return self.headers.get(name.lower(), default)

    def parameter(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default

    def json(self) -> Any:
        """Return the decoded body; raises SandboxError (400) when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise SandboxError(f"The body is not JSON: {error}") from error

    def json_object(self) -> dict[str, Any]:
        """Return the body as a mapping, an empty body as an empty one; raises SandboxError (400)."""
        if not self.body.strip():
            return {}
        document = self.json()
        if not isinstance(document, dict):
            raise SandboxError(f"The body must be a JSON object, not {type(document).__name__}.")
        return document


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """One HTTP reply; the server adds Content-Length and Connection."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> SandboxResponse:
        """Build a reply whose body is ``data`` as JSON."""
        body = json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return cls(status, {"Content-Type": "application/json", **(headers or {})}, body)

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> SandboxResponse:
        """Build a reply whose body is an HTML page."""
        return cls(status, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, text.encode())


class ProviderSandbox(ABC):
    """A simulator of one provider's HTTP API.

    ``handle`` and ``control`` are called from many threads at once: guard shared state with ``self.lock``.

    Attributes:
        slug: path prefix of the provider and its name in the registry.
        seed_options: what ``seed`` accepts, name to explanation.
        control_paths: what ``control`` answers, ``"METHOD name"`` to explanation.
    """

    slug: ClassVar[str]
    seed_options: ClassVar[Mapping[str, str]] = {}
    control_paths: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.lock = threading.RLock()

    @abstractmethod
    def reset(self) -> None:
        """Go back to the state of a new instance: no data, default settings."""

    @abstractmethod
    def seed(self, **options: Any) -> dict[str, Any]:
        """Replace the data by a generated set and return what it holds; raises SandboxError."""

    @abstractmethod
    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one call of the vendor's API."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Describe the data held now, without credentials."""

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer a control call of this provider, ``request.path`` being below ``_sim``; None if unknown."""
        return None

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Return what the journal should say about a request; never a credential."""
        return {}

    def auth_state(self, request: SandboxRequest) -> str:
        """Judge credentials: ``none`` (not needed), ``missing``, ``malformed``, ``invalid`` or ``valid``."""
        return "none"

    def application_error(self, message: str) -> SandboxResponse:
        """Build the vendor's own way of reporting an error inside a 200 reply."""
        return SandboxResponse.json({"error": message})

    def wrong_types(self, response: SandboxResponse, params: Mapping[str, Any]) -> SandboxResponse:
        """Return the reply with values of types that the vendor's documentation rules out."""
        try:
            document = json.loads(response.body)
        except ValueError:
            return response
        return SandboxResponse.json(_with_wrong_types(document), response.status)

    def environment(self, url: str) -> dict[str, str]:
        """Return the environment variables that point the product at this sandbox."""
        return {f"{self.slug.upper()}_API_URL": url}


def _with_wrong_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_wrong_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_wrong_types(item) for item in value]
    if isinstance(value, str):
        return {"value": value}
    return str(value)
