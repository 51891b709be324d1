"""A scriptable vendor on a raw loopback socket: it can misbehave in every way a real one does."""

import gzip
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One request as it came in; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """The server's side of one connection."""

    sock: socket.socket
    stopped: threading.Event
    seen: bytearray
    pending: bytes = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read_request(self) -> Received | None:
        """The next request, or None when the client hung up."""
        while b"\r\n\r\n" not in self.pending:
            if not self._read_more():
                return None
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self.pending) < length:
            if not self._read_more():
                return None
        body, self.pending = self.pending[:length], self.pending[length:]
        return Received(method, target, headers, body)

    def _read_more(self) -> bool:
        data = self.sock.recv(65536)
        self.pending += data
        self.seen += data
        return bool(data)


# A behavior answers one request and says whether the connection stays open.
Behavior = Callable[[Client, Received], bool]


@dataclass
class ScriptedServer:
    """Answers each request with the next behavior of its script; an empty script answers 200 `{}`.

    With `on_connect` each connection is handed to it instead and closed after that.
    """

    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    on_connect: Callable[[socket.socket], object] | None = None
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    seen: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._script: deque[Behavior] = deque()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def script(self, *behaviors: Behavior) -> None:
        self._script.extend(behaviors)

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._clients.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self.on_connect:
                self.on_connect(sock)
                sock.close()
                return
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock:
                client = Client(sock, self._stopped, self.seen)
                while request := client.read_request():
                    self.received.append(request)
                    behavior = self._script.popleft() if self._script else reply(body=b"{}")
                    if not behavior(client, request):
                        return
        except (OSError, ValueError):
            sock.close()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def reply(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Behavior:
    """A correct reply that keeps the connection open."""

    def behave(client: Client, request: Received) -> bool:
        client.send(head(status, {"Content-Length": str(len(body)), **(headers or {})}) + body)
        return True

    return behave


def raw_reply(data: bytes) -> Behavior:
    """Any bytes at all, then the end of the connection."""

    def behave(client: Client, request: Received) -> bool:
        client.send(data)
        return False

    return behave


def truncated(body: bytes, missing: int = 10) -> Behavior:
    """A body that is shorter than its Content-Length."""
    return raw_reply(head(200, {"Content-Length": str(len(body) + missing)}) + body)


def chunked(chunks: Iterable[bytes], *, complete: bool = True) -> Behavior:
    """A chunked body; an incomplete one lacks its last chunk."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return raw_reply(head(200, {"Transfer-Encoding": "chunked"}) + body + (b"0\r\n\r\n" if complete else b""))


def reset(client: Client, request: Received) -> bool:
    """A connection reset instead of a reply."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang_up(client: Client, request: Received) -> bool:
    """The connection ends without a reply."""
    return False


def never_answer(client: Client, request: Received) -> bool:
    """The request is read and nothing follows."""
    client.stopped.wait(10)
    return False


def stall_halfway(client: Client, request: Received) -> bool:
    """Half a body, then silence on an open connection."""
    client.send(head(200, {"Content-Length": "10"}) + b"12345")
    return never_answer(client, request)


def drip(data: bytes, *, interval: float) -> Behavior:
    """One byte at a time, each in time for a socket timeout."""

    def behave(client: Client, request: Received) -> bool:
        for position in range(len(data)):
            if client.stopped.is_set():
                return False
            client.send(data[position : position + 1])
            time.sleep(interval)
        return True

    return behave


def gzipped(body: bytes, *, cut: int = 0) -> Behavior:
    """A gzip body with a true Content-Length, its last `cut` bytes missing."""
    packed = gzip.compress(body)
    packed = packed[: len(packed) - cut]
    return reply(body=packed, headers={"Content-Encoding": "gzip"})
