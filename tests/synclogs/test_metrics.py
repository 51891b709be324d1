"""The wire form of metrics, and that sending them never hurts."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from synclogs import metrics


@pytest.fixture(autouse=True)
def _new_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_backends", {})


@pytest.fixture
def lines(settings: Settings) -> list[str]:
    settings.STATSD_BACKEND = "memory"
    backend = metrics.backend()
    assert isinstance(backend, metrics.MemoryBackend)
    return backend.lines


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(3)
        yield udp


def test_counts_have_name_value_type_rate_and_tags(lines: list[str]) -> None:
    metrics.count("command.sync_circuits.started", tags={"action": "run"})
    metrics.count("worker.error", 3)
    assert lines == ["command.sync_circuits.started:1|c|@1|#action:run", "worker.error:3|c|@1"]


def test_timings_are_whole_milliseconds(lines: list[str]) -> None:
    metrics.timing("queue.job.duration", 1234.6, tags={"command": "a", "account": 7})
    assert lines == ["queue.job.duration:1235|ms|@1|#command:a,account:7"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12, "12"), (1_234_567, "1234567"), (0.25, "0.25"), (100, "100")]
)
def test_levels_are_never_written_with_an_exponent(lines: list[str], value: float, text: str) -> None:
    metrics.gauge("queue.pending", value)
    assert lines == [f"queue.pending:{text}|g|@1"]


def test_tags_cannot_break_the_line(lines: list[str]) -> None:
    metrics.count("a", tags={"error": "x:y|z@1,#\n\r b"})
    assert lines == ["a:1|c|@1|#error:x_y_z_1_____b"]


def test_datagrams_arrive_as_they_are_written(receiver: socket.socket, settings: Settings) -> None:
    settings.STATSD_BACKEND, settings.STATSD_HOST = "udp", "127.0.0.1"
    settings.STATSD_PORT = receiver.getsockname()[1]
    metrics.count("sync.started", tags={"type": "circuit_list"})
    metrics.timing("sync.duration", 5)
    assert receiver.recv(200) == b"sync.started:1|c|@1|#type:circuit_list"
    assert receiver.recv(200) == b"sync.duration:5|ms|@1"


def test_names_of_hosts_are_looked_up(receiver: socket.socket, settings: Settings) -> None:
    settings.STATSD_BACKEND, settings.STATSD_HOST = "udp", "localhost"
    settings.STATSD_PORT = receiver.getsockname()[1]
    metrics.count("a")
    if metrics.backend()._socket.family == socket.AF_INET:  # type: ignore[attr-defined]
        assert receiver.recv(200) == b"a:1|c|@1"


def test_a_host_that_cannot_be_found_is_asked_for_once_a_minute(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []

    def fail(*args: object, **kwargs: object) -> None:
        asked.append(args)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    settings.STATSD_BACKEND, settings.STATSD_HOST = "udp", "nowhere.invalid"
    for _ in range(3):
        metrics.count("a")
    assert len(asked) == 1
    assert "nowhere.invalid" in caplog.text


def test_nothing_listens_and_nobody_minds(settings: Settings) -> None:
    settings.STATSD_BACKEND, settings.STATSD_HOST, settings.STATSD_PORT = "udp", "127.0.0.1", 9
    for _ in range(20):
        metrics.count("a")


def test_metrics_are_off_without_a_host(settings: Settings) -> None:
    settings.STATSD_BACKEND, settings.STATSD_HOST = "udp", ""
    metrics.count("a")
    assert isinstance(metrics.backend(), metrics.NullBackend)
