"""The product served by a real ASGI server on the database of the tests, and clients that listen to it."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from accounts.models import User

START_SECONDS = 40.0


def database_url() -> str:
    """The address of the database that this test uses."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    login = f"{config['USER']}:{config['PASSWORD']}@" if config["USER"] else ""
    return f"postgres://{login}{config['HOST']}:{config['PORT']}/{config['NAME']}"


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


class Served:
    """One server process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.url = f"http://localhost:{port}"

    def cookies(self, user: User | None) -> dict[str, str]:
        """Those of a browser in which this user has signed in."""
        if user is None:
            return {}
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return {settings.SESSION_COOKIE_NAME: str(session.session_key)}

    def get(self, path: str, user: User | None, **options: Any) -> requests.Response:
        """Ask for a page."""
        options.setdefault("timeout", 10)
        cookies = self.cookies(user)
        return requests.get(self.url + path, cookies=cookies, allow_redirects=False, **options)


@contextmanager
def serve(**environ: str) -> Iterator[Served]:
    """Serve until the block ends, with more of an environment if wanted."""
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "SYNCPLATFORM_ENV_FILE": "none",
        "SYNCPLATFORM_PROCESS": "web",
        "LOG_LEVEL": "WARNING",
        **environ,
    }
    command = [sys.executable, "-m", "uvicorn", "syncplatform.asgi:application", "--port", str(port)]
    command += ["--log-level", "warning", "--timeout-graceful-shutdown", "1", "--lifespan", "off"]
    process = subprocess.Popen(command, env=environment)
    try:
        served = Served(process, port)
        wait_until(lambda: _answers(served), START_SECONDS)
        yield served
    finally:
        process.terminate()
        process.wait(timeout=15)


def _answers(served: Served) -> bool:
    assert served.process.poll() is None, "the server has ended"
    try:
        return requests.get(f"{served.url}/live/events/?after=x", timeout=2).status_code == 400
    except requests.ConnectionError:
        return False


class Listener:
    """A client of the stream: reads in a thread, keeps what it heard."""

    def __init__(self, served: Served, user: User, *channels: str, last_id: str | None = None) -> None:
        headers = {"Last-Event-ID": last_id} if last_id is not None else {}
        self.last_id = last_id
        self.response = served.get(
            "/live/events/",
            user,
            params={"channel": list(channels) or ["dashboard"]},
            headers=headers,
            stream=True,
            timeout=(5, 30),
        )
        assert self.response.status_code == 200, self.response.text
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.opened = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self.opened.wait(10)

    def hear(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """The next events; their `id` is kept as the browser keeps it."""
        heard = [self.events.get(timeout=seconds) for _ in range(count)]
        if heard:
            self.last_id = heard[-1]["position"]
        return heard

    def is_silent(self, seconds: float = 1.6) -> bool:
        """Whether nothing comes for a while."""
        time.sleep(seconds)
        return self.events.empty()

    def close(self) -> None:
        """Cut the connection, as a tab that is closed does."""
        raw = self.response.raw._connection
        if raw is not None and raw.sock is not None:
            raw.sock.shutdown(socket.SHUT_RDWR)
        self.response.close()
        self._thread.join(5)

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "data" in fields:
                    event = json.loads(fields["data"])
                    self.events.put({**event, "position": fields["id"], "event": fields["event"]})
                elif "id" in fields:
                    self.last_id = fields["id"]
                self.opened.set()
                fields = {}
        except (requests.RequestException, AttributeError, OSError, ValueError):
            return
