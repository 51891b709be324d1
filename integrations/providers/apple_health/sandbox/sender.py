"""Sending what a phone holds, as the app does: headers, batches, repeats, and what goes wrong."""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests

from integrations.providers.apple_health.sandbox.phone import Phone
from integrations.sandbox.base import SandboxError

POSTED_SECONDS = 60.0
KINDS = ("metrics", "workouts")


@dataclass(frozen=True, slots=True)
class Sending:
    """One export: which data, in how many posts, and how it is disturbed.

    `megabytes` makes the body at least so long; `times` posts each body more than once.
    """

    kind: str = "metrics"
    batches: int = 1
    times: int = 1
    megabytes: float = 0
    gzipped: bool = False
    session_id: str = "B0A6F7C2-5E1D-4C55-8F0E-0B9A6A1D2C11"
    header_key: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Sending:
        """Read from a control call. Raises SandboxError."""
        known = cls.__dataclass_fields__
        unknown = options.keys() - known.keys() - {"url"}
        if unknown:
            raise SandboxError(f"Unknown options: {', '.join(sorted(unknown))}.", options=sorted(known))
        sending = cls(**{name: value for name, value in options.items() if name in known})
        if sending.kind not in KINDS:
            raise SandboxError("kind is metrics or workouts.", kinds=KINDS)
        if not isinstance(sending.batches, int) or not 1 <= sending.batches <= 100:
            raise SandboxError("batches is a whole number from 1 to 100.")
        return sending

    @property
    def headers(self) -> dict[str, str]:
        """What the app adds to each post."""
        sent = {
            "Content-Type": "application/json",
            "automation-name": "To syncplatform",
            "automation-id": "0F5C1E3A-77AF-4B9E-8C65-2F9F0F3F0A10",
            "automation-aggregation": "Minutes",
            "automation-period": "Since Last Sync",
            "session-id": self.session_id,
        }
        if self.gzipped:
            sent["Content-Encoding"] = "gzip"
        if self.header_key:
            sent["X-API-Key"] = self.header_key
        return sent

    def bodies(self, phone: Phone) -> Iterator[bytes]:
        """The posts of one export."""
        parts = phone.metrics() if self.kind == "metrics" else phone.workouts()
        size = -(-len(parts) // self.batches)
        iterator = iter(parts)
        while some := list(islice(iterator, size)):
            body = json.dumps({"data": {self.kind: some}}, ensure_ascii=False).encode()
            body += b" " * max(0, int(self.megabytes * (1 << 20)) - len(body))
            yield gzip.compress(body) if self.gzipped else body


def send(phone: Phone, sending: Sending, url: str) -> list[dict[str, Any]]:
    """Post an export to an address on this machine; returns each answer. Raises SandboxError."""
    _refuse_other_machines(url)
    answers = []
    with requests.Session() as session:
        session.trust_env = False
        for body in sending.bodies(phone):
            for _ in range(sending.times):
                try:
                    reply = session.post(url, data=body, headers=sending.headers, timeout=POSTED_SECONDS)
                except requests.RequestException as error:
                    raise SandboxError(f"The post failed: {type(error).__name__}.", 502) from error
                answers.append({"status": reply.status_code, "bytes": len(body), "body": reply.text[:2000]})
    return answers


def _refuse_other_machines(url: str) -> None:
    """A simulated phone delivers to this machine only."""
    host = urlsplit(url).hostname or ""
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        addresses = set()
    if not addresses or not all(ipaddress.ip_address(str(each)).is_loopback for each in addresses):
        raise SandboxError(f"The sandbox posts to this machine only, not to {host or 'nowhere'}.")
