"""What a provider says of connecting through its consent page: docs/connections.md, "Connecting"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrations.tokens import TokenEndpoint, TokenReply

if TYPE_CHECKING:
    from integrations.models import Credential

NO_PARAMETERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it is at the vendor: an id that never changes, and what operators read."""

    external_id: str
    label: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def _nothing(credential: Credential) -> None:
    """For providers that need no more than the token."""


@dataclass(frozen=True, slots=True)
class OAuth:
    """The authorization code grant of one vendor (RFC 6749 section 4.1).

    `identify` asks the vendor whose token it is and raises IntegrationError when the token does not work:
    nothing is stored before that. `connected` makes connections and jobs, in the transaction that stores the
    token. `forget` ends a token at the vendor that is not wanted after all. A `personal` credential belongs
    to the user who consented, others to the whole account. With `waits_for_approval` the credential is
    pending until a job finds it approved.
    """

    authorize_url: Callable[[], str]
    endpoint: Callable[[], TokenEndpoint]
    identify: Callable[[TokenReply], Identity]
    connected: Callable[[Credential], None] = _nothing
    forget: Callable[[TokenReply], None] | None = None
    scopes: tuple[str, ...] = ()
    pkce: bool = False
    parameters: Mapping[str, str] = field(default_factory=lambda: NO_PARAMETERS)
    personal: bool = True
    waits_for_approval: bool = False
