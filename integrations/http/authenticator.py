"""What proves to a vendor who calls, where that changes: tokens that end and are refreshed."""

from collections.abc import Mapping
from typing import Protocol

from integrations.http.errors import Unauthorized


class Authenticator(Protocol):
    """Headers for each call, and other ones after a refusal; `integrations/tokens` has those for OAuth 2."""

    def headers(self) -> Mapping[str, str]:
        """What the next call carries. Raises IntegrationError when there is nothing that would be taken."""

    def renew(self, refused: Mapping[str, str]) -> None:
        """Get other headers than these, which were answered with 401. Raises IntegrationError."""

    def refused(self, error: Unauthorized) -> None:
        """The vendor refused what was just renewed, or what renewing does not help."""
