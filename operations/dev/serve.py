"""The whole platform on one machine until somebody stops it: sandbox, workers, web."""

from __future__ import annotations

import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests
from django.urls import NoReverseMatch, reverse

from circuits import services
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from integrations.registry import all_providers
from operations.dev.narrator import Narrator
from operations.dev.people import Access, create_known_planners, ensure_admin
from operations.dev.processes import Child, ChildDied, Children
from operations.dev.surroundings import (
    SANDBOX_PORT,
    child_environment,
    data_directory,
    database_name,
    free_port,
    sandbox_environment,
    start_workers,
    typed_command,
)
from operations.dev.vendors import Sandbox, wait_until

WEB_START_SECONDS = 60.0
WEB_STOP_SECONDS = 2
WEB_GRACE_SECONDS = 10.0
TICK_SECONDS = 0.2
MAX_DEATHS = 3
DEATHS_WITHIN_SECONDS = 60.0
PAGES = (
    ("operations:live", "runs as they go"),
    ("admin:circuits_circuit_changelist", "circuits"),
    ("admin:circuits_unlinkedplanner_changelist", "planners without a user"),
    ("admin:synclogs_synclog_changelist", "runs: counts, issues, retry"),
    ("admin:synclogs_job_changelist", "jobs and their attempts"),
    ("admin:integrations_integration_changelist", "connections and their health"),
    ("admin:integrations_event_changelist", "activity: payments, measurements, workouts"),
)


class CannotServe(Exception):
    """A process does not start or keeps dying; the text says which."""


@dataclass
class Server:
    """Starts everything and keeps it running. `out` prints a line for people, which may hold the password."""

    narrator: Narrator
    children: Children
    out: Callable[[str], None]
    port: int
    sandbox: bool
    circuits: int
    environ: dict[str, str] = field(default_factory=dict)
    _deaths: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def start(self) -> None:
        """Start all processes and say how to reach them. Raises CannotServe."""
        directory = data_directory()
        self.narrator.say(f"Database: {database_name()}, {Circuit.objects.count():,} circuits")
        try:
            self._start_workers(self._start_sandbox(directory) if self.sandbox else None)
            url = self._start_web()
        except (ChildDied, TimeoutError, OSError) as error:
            raise CannotServe(str(error)) from error
        self._announce(url, ensure_admin(directory / "admin_password"), directory)

    def watch(self, after_each_look: Callable[[], None]) -> None:
        """Start again whatever dies, until a signal comes. Raises CannotServe when one keeps dying."""
        while True:
            for child in self.children.all():
                if not child.is_running:
                    self._restart(child)
            after_each_look()
            time.sleep(TICK_SECONDS)

    def _start_sandbox(self, directory: Path) -> Sandbox:
        port_file = directory / "log" / "sandbox.port"
        sandbox = Sandbox.start(self.children, port_file, circuits=self.circuits, port=SANDBOX_PORT)
        self.environ = sandbox_environment(sandbox.url)
        other = "" if sandbox.port == SANDBOX_PORT else f" (port {SANDBOX_PORT} is taken)"
        self.narrator.say(f"Sandbox: WorkStudio with {sandbox.circuits():,} circuits at {sandbox.url}{other}")
        return sandbox

    def _start_workers(self, sandbox: Sandbox | None) -> None:
        start_workers(self.children, self.environ)
        if sandbox is None:
            return
        if not Circuit.objects.exists():
            create_known_planners()
            services.queue_circuit_sync(tuple(ApiStatus))
            self.narrator.say("The database has no circuits yet: a first sync is queued")
        for provider in all_providers():
            if provider.demonstration is None:
                continue
            demonstration = provider.demonstration()
            if demonstration.is_new():
                self.narrator.say(f"{provider.label}: {demonstration.prepare()}; a sync is queued")
                demonstration.sync(partial(sandbox.control, provider.slug))

    def _start_web(self) -> str:
        port = free_port(self.port)
        if port != self.port:
            self.narrator.say(f"Port {self.port} is taken, the site gets {port}")
        command = [sys.executable, "-m", "uvicorn", "syncplatform.asgi:application", "--port", str(port)]
        command += ["--host", "127.0.0.1", "--lifespan", "off", "--no-access-log"]
        command += ["--timeout-graceful-shutdown", str(WEB_STOP_SECONDS)]
        environ = child_environment({**self.environ, "SYNCPLATFORM_PROCESS": "web"})
        web = self.children.start("web", command, environ, grace=WEB_GRACE_SECONDS)
        url = f"http://127.0.0.1:{port}/"
        wait_until(lambda: _answers(f"{url}admin/login/"), web, WEB_START_SECONDS)
        return url

    def _announce(self, url: str, access: Access, directory: Path) -> None:
        self.out("")
        self.out(f"  The site    {url}")
        self.out(f"  User        {access.username}")
        self.out(f"  Password    {access.password or access.note}")
        self.out("")
        for name, what in PAGES:
            try:
                self.out(f"  {url.rstrip('/')}{reverse(name):<36} {what}")
            except NoReverseMatch:
                continue
        self.out("")
        preview = typed_command(self.environ, "sync_circuits", "--status", "ALL", "--dry-run")
        self.out(f"  A command   {preview}")
        self.out(f"  Logs        {directory / 'log'}")
        self.out("  Ctrl-C stops everything.")

    def _restart(self, child: Child) -> None:
        code, now, deaths = child.exit_code, time.monotonic(), self._deaths[child.name]
        deaths.append(now)
        while deaths[0] < now - DEATHS_WITHIN_SECONDS:
            deaths.popleft()
        if len(deaths) >= MAX_DEATHS:
            raise CannotServe(f"the {child.name} process keeps dying, the last time with code {code}")
        self.narrator.say(f"The {child.name} process ended with code {code}; it is started again")
        child.start()


class LogFollower:
    """Copies what the children log to a narrator's stream, each line with the child's name."""

    def __init__(self, children: Children, narrator: Narrator) -> None:
        self._children = children
        self._narrator = narrator
        self._seen: dict[str, int] = {}

    def copy_new_lines(self) -> None:
        """Copy the whole lines that came since the last call."""
        for child in self._children.all():
            with child.log.open("rb") as file:
                file.seek(self._seen.get(child.name, 0))
                new, newline, _ = file.read().rpartition(b"\n")
            self._seen[child.name] = self._seen.get(child.name, 0) + len(new) + len(newline)
            for line in new.decode(errors="replace").splitlines():
                self._narrator.stream.write(f"{child.name:<8} {line}\n")
        self._narrator.stream.flush()


def _answers(url: str) -> bool | None:
    with requests.Session() as session:
        session.trust_env = False
        try:
            session.get(url, timeout=5)
        except requests.RequestException:
            return None
    return True
