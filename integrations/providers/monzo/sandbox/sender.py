"""Sending webhooks as Monzo does: up to five attempts, ever later."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS = 5
TIMEOUT_SECONDS = 5.0


class Sender:
    """Posts deliveries from a thread each; `first_wait` seconds before the second attempt, then doubled."""

    def __init__(self, first_wait: float = 1.0) -> None:
        self.first_wait = first_wait
        self.attempts: list[dict[str, Any]] = []
        self._stopped = threading.Event()

    def send(self, url: str, kind: str, transaction: dict[str, Any]) -> threading.Thread:
        """Start to deliver; what became of each attempt is in `attempts`."""
        body = json.dumps({"type": kind, "data": transaction}, ensure_ascii=False).encode()
        thread = threading.Thread(target=self._deliver, args=(url, body), name="monzo-webhook", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Try nothing again."""
        self._stopped.set()

    def _deliver(self, url: str, body: bytes) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            status = _post(url, body)
            self.attempts.append({"url": urlsplit(url).netloc, "attempt": attempt, "status": status})
            if 200 <= status < 300 or self._stopped.wait(self.first_wait * 2 ** (attempt - 1)):
                return


def _post(url: str, body: bytes) -> int:
    """The status of the answer; 0 for none."""
    target = urlsplit(url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", target.path or "/", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
