"""The receiver behind the server that production runs: slow, half-open, hostile and many senders."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import requests
from django.conf import settings
from django.utils import timezone

from integrations.models import Credential, DeliveryStatus, WebhookDelivery
from integrations.webhooks.keys import create_key
from integrations.webhooks.verifiers import TimestampedHmac
from synclogs.models import Job
from tests.integrations.webhooks.conftest import credential_of
from tests.operations.served import database_url, free_port, wait_until

SLOW_SENDERS = 50
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Server:
    """A gunicorn that serves the site on the test's database."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process

    def url(self, credential: Credential, key: str) -> str:
        """Where a credential's deliveries go."""
        return f"http://127.0.0.1:{self.port}{path_of(credential, key)}"

    def send(self, text: str | bytes, *, seconds: float = 5.0) -> str:
        """Say something over a new connection; returns the status line, empty when it is hung up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(text if isinstance(text, bytes) else text.encode())
            try:
                return connection.recv(65_536).partition(b"\r\n")[0].decode("latin-1")
            except ConnectionResetError:
                return ""


def path_of(credential: Credential, key: str) -> str:
    """The path of a credential's address."""
    return f"/webhooks/{credential.provider}/{key}/"


@contextmanager
def serving(**variables: str) -> Iterator[Server]:
    """Run the web server until the block ends."""
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "SYNCPLATFORM_ENV_FILE": "none",
        "DJANGO_SETTINGS_MODULE": "tests.integrations.webhooks.settings",
        "WEB_BIND": f"127.0.0.1:{port}",
        "WEB_WORKERS": "1",
        "WEB_HEAD_SECONDS": "3",
        "WEBHOOK_IDLE_SECONDS": "3",
        **variables,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:syncplatform.web_server"]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: _answers(port), 40.0)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/webhooks/nobody/x/", timeout=2).status_code == 404
    except requests.ConnectionError:
        return False


@pytest.fixture
def signed(transactional_db: None) -> Credential:
    """A credential whose rows the server sees."""
    return credential_of("signed", signing_secret="8b2f6d0c4e1a97533c5d7e9f01a2b3c4")


def event(number: int) -> bytes:
    """A delivery that no other equals."""
    return b'{"type": "event_callback", "event_id": "Ev%d"}' % number


def deliver(server: Server, credential: Credential, key: str, body: bytes) -> requests.Response:
    """Post a signed body."""
    headers = TimestampedHmac().sign(body, credential.secrets, timezone.now())
    headers["Content-Type"] = "application/json"
    return requests.post(server.url(credential, key), data=body, headers=headers, timeout=10)


def half_open(server: Server, path: str, number: int) -> socket.socket:
    """A sender that stops in the middle: of its head, of a small body, of one announced as large."""
    head = HEAD.format(path=path)
    beginnings = (
        head[:40],
        head + "X-Slow: yes",
        head + "Content-Length: 100\r\n\r\n{",
        head + "Content-Length: 1000000\r\n\r\n{",
        head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(beginnings[number % len(beginnings)].encode())
    return connection


def test_fifty_slow_senders_do_not_hold_up_a_good_one(signed: Credential) -> None:
    key = create_key(signed)
    with serving() as server, ExitStack() as stack:
        assert deliver(server, signed, key, event(0)).status_code == 200
        slow = [half_open(server, path_of(signed, key), number) for number in range(SLOW_SENDERS)]
        for connection in slow:
            stack.callback(connection.close)
        for number in range(1, 11):
            started = time.monotonic()
            assert deliver(server, signed, key, event(number)).status_code == 200
            assert time.monotonic() - started < 1.0
        answers = [_last_word(connection) for connection in slow]
    assert all(answer.startswith("HTTP/1.1 408") for answer in answers), "each is cut off in the end"
    assert WebhookDelivery.objects.filter(status=DeliveryStatus.QUEUED).count() == 11
    assert Job.objects.count() == 11


def _last_word(connection: socket.socket) -> str:
    try:
        return connection.recv(65_536).partition(b"\r\n")[0].decode()
    except ConnectionResetError:
        return "reset"


def test_hostile_requests_never_get_a_5xx(signed: Credential) -> None:
    key = create_key(signed)
    path, plain = path_of(signed, key), credential_of("plain")
    plain_path = path_of(plain, create_key(plain))
    head, plain_head = HEAD.format(path=path), HEAD.format(path=plain_path)
    hostile: dict[str | bytes, str] = {
        "GARBAGE\r\n\r\n": "400",
        f"{head}Content-Length: -1\r\n\r\n": "400",
        f"{head}Content-Length: 1e3\r\n\r\n": "400",
        f"{head}Content-Length: 99999999999\r\n\r\n": "413",
        f"{head}Content-Length: {'9' * 400}\r\n\r\n": "4",
        f"{head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{{}}": "4",
        f"{head}X-Long: {'x' * 20_000}\r\nContent-Length: 2\r\n\r\n{{}}": "431",
        f"{head}X-Longer: {'x' * 300_000}": "431",
        f"{head}X-Slack-Signature: \r\nContent-Length: 2\r\n\r\n{{}}": "401",
        head.encode() + b"X-Slack-Signature: v0=\xff\xfe\r\nContent-Length: 2\r\n\r\n{}": "401",
        head.encode() + b"X-Nul: a\x00b\r\nContent-Length: 2\r\n\r\n{}": "400",
        f"{plain_head}Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{{}}": "400",
        f"{plain_head}Content-Length: 3\r\n\r\n[1]": "400",
        f"POST /webhooks/plain/{'%00' * 50}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n": "404",
        "POST /webhooks/plain/%ff%fe/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n": "404",
        "POST /webhooks// HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n": "404",
        f"DELETE {plain_path} HTTP/1.1\r\nHost: x\r\n\r\n": "405",
    }
    with serving() as server:
        answers = {text: server.send(text) for text in hostile}
        assert deliver(server, signed, key, event(1)).status_code == 200
    for text, status in hostile.items():
        got = re.sub(r"^HTTP/1.1 (\d+).*", r"\1", answers[text])
        assert got.startswith(status), (text[-80:], answers[text])


def test_a_body_without_a_length_is_cut_off_at_the_limit(signed: Credential) -> None:
    key = create_key(signed)

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 65_536

    with serving() as server:
        try:
            status = requests.post(server.url(signed, key), data=endless(), timeout=10).status_code
        except requests.ConnectionError:
            status = 413  # hung up while we were still sending
        assert status == 413
    assert WebhookDelivery.objects.get().error == "too_large"


def test_many_at_once_are_all_stored_once(signed: Credential) -> None:
    key = create_key(signed)
    bodies = [event(number % 60) for number in range(120)]
    with serving(WEB_WORKERS="2") as server, ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda body: deliver(server, signed, key, body).status_code, bodies))
    assert statuses == [200] * 120
    assert WebhookDelivery.objects.count() == Job.objects.count() == 60
    assert sum(WebhookDelivery.objects.values_list("duplicates", flat=True)) == 60


def test_without_a_database_the_vendor_is_asked_to_come_again(signed: Credential) -> None:
    key = create_key(signed)
    nowhere = "postgres://postgres@127.0.0.1:1/nowhere?connect_timeout=2"
    with serving(DATABASE_URL=nowhere) as server:
        answer = deliver(server, signed, key, event(1))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
