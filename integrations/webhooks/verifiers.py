"""Telling genuine deliveries from others, in constant time: docs/webhooks.md, "Verifying"."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from integrations.webhooks.messages import Incoming

Secrets = Mapping[str, Any]

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class Unverified(Exception):
    """A delivery is not from whom it should be. `reason` is a slug; the answer says nothing of it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Verifier(Protocol):
    """Checks deliveries against the secrets of a credential, and signs them as the vendor would."""

    def verify(self, incoming: Incoming, secrets: Secrets) -> None:
        """Return when the delivery is genuine. Raises Unverified; any other exception counts as that too."""

    def sign(self, body: bytes, secrets: Secrets, at: datetime) -> dict[str, str]:
        """The headers that make `body` a genuine delivery at this time: for fixtures, sandboxes and tests."""


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two texts are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def known_secrets(secrets: Secrets, names: Sequence[str]) -> list[str]:
    """The secrets of these names that are set, the current one first."""
    return [str(secrets[name]) for name in names if secrets.get(name)]


@dataclass(frozen=True, slots=True)
class AddressOnly:
    """The key in the address is all there is: whoever knows it is the vendor."""

    def verify(self, incoming: Incoming, secrets: Secrets) -> None:
        """Nothing is left to check once the key was found."""

    def sign(self, body: bytes, secrets: Secrets, at: datetime) -> dict[str, str]:
        """No header is needed."""
        return {}


@dataclass(frozen=True, slots=True)
class HeaderSecret:
    """A secret that the vendor sends in one of these headers, besides the key in the address.

    Where the credential holds none of `secrets`, the header is not asked for. A leading `Bearer ` is left
    out of the comparison.
    """

    headers: tuple[str, ...]
    secrets: tuple[str, ...]

    def verify(self, incoming: Incoming, secrets: Secrets) -> None:
        """Compare every header with every secret, however early one fits."""
        expected = known_secrets(secrets, self.secrets)
        if not expected:
            return
        given = [incoming.header(name).removeprefix("Bearer ").strip() for name in self.headers]
        given = [value for value in given if value]
        if not given:
            raise Unverified("missing_header_secret")
        if not sum(same(value, secret) for value in given for secret in expected):
            raise Unverified("wrong_header_secret")

    def sign(self, body: bytes, secrets: Secrets, at: datetime) -> dict[str, str]:
        """The current secret in the first header."""
        expected = known_secrets(secrets, self.secrets)
        return {self.headers[0]: expected[0]} if expected else {}


@dataclass(frozen=True, slots=True)
class TimestampedHmac:
    """`v0=` and the hex HMAC-SHA256 of `v0:{timestamp}:{raw body}`, as Slack signs.

    Several `secrets` are tried, so that they can be rotated. A timestamp further than `tolerance_s` seconds
    from now is refused; exactly that far passes.
    """

    signature_header: str = "X-Slack-Signature"
    timestamp_header: str = "X-Slack-Request-Timestamp"
    secrets: tuple[str, ...] = ("signing_secret", "previous_signing_secret")
    version: str = "v0"
    tolerance_s: int = 300

    def verify(self, incoming: Incoming, secrets: Secrets) -> None:
        """The timestamp first, then the signature under every secret."""
        timestamp = incoming.header(self.timestamp_header)
        given = incoming.header(self.signature_header)
        if not timestamp or not given:
            raise Unverified("missing_signature")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise Unverified("bad_timestamp")
        if abs(int(incoming.head.received_at.timestamp()) - int(timestamp)) > self.tolerance_s:
            raise Unverified("stale_timestamp")
        expected = [
            self.signature(secret, timestamp, incoming.body)
            for secret in known_secrets(secrets, self.secrets)
        ]
        if not sum(same(given, signature) for signature in expected):
            raise Unverified("wrong_signature")

    def signature(self, secret: str, timestamp: str, body: bytes) -> str:
        """What the vendor sends for a body at a time."""
        signed = b"".join([f"{self.version}:{timestamp}:".encode(), body])
        return f"{self.version}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"

    def sign(self, body: bytes, secrets: Secrets, at: datetime) -> dict[str, str]:
        """Signed with the current secret. Raises LookupError when the credential has none."""
        current = known_secrets(secrets, self.secrets)
        if not current:
            raise LookupError(f"the credential holds no {self.secrets[0]}")
        timestamp = str(int(at.timestamp()))
        return {
            self.timestamp_header: timestamp,
            self.signature_header: self.signature(current[0], timestamp, body),
        }


@dataclass(frozen=True, slots=True)
class VendorVerifier:
    """A vendor SDK's own check, which may raise whatever it likes: it counts as not genuine."""

    check: Callable[[bytes, Mapping[str, str], Secrets], bool]
    signer: Callable[[bytes, Secrets, datetime], dict[str, str]]

    def verify(self, incoming: Incoming, secrets: Secrets) -> None:
        """Ask the SDK."""
        if not self.check(incoming.body, incoming.head.headers, secrets):
            raise Unverified("wrong_signature")

    def sign(self, body: bytes, secrets: Secrets, at: datetime) -> dict[str, str]:
        """Sign as the vendor does."""
        return self.signer(body, secrets, at)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
