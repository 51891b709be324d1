import socket
import time
from collections.abc import Iterator

import pytest

from integrations.http.deadline import Deadline, DeadlineReader, current_deadline, deadline_scope, limited


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_timeout_is_cut_to_what_is_left() -> None:
    with deadline_scope(Deadline(60.0)):
        assert limited(5.0) == 5.0
        assert limited(90.0) == pytest.approx(60.0, abs=5.0)
        assert limited(None) == pytest.approx(60.0, abs=5.0)


def test_nothing_begins_after_the_deadline() -> None:
    with deadline_scope(Deadline(0.0)), pytest.raises(TimeoutError):
        limited(5.0)


def test_outside_a_scope_nothing_is_cut() -> None:
    with deadline_scope(Deadline(0.0)):
        pass
    assert (limited(5.0), limited(None), current_deadline()) == (5.0, None, None)


def test_a_read_waits_no_longer_than_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = ends
    ours.settimeout(8.0)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        DeadlineReader(ours, Deadline(0.1)).read(1)
    assert time.monotonic() - started < 4.0


def test_a_read_waits_no_longer_than_the_sockets_own_timeout(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = ends
    ours.settimeout(0.1)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        DeadlineReader(ours, Deadline(8.0)).read(1)
    assert time.monotonic() - started < 4.0


def test_after_the_deadline_not_even_waiting_bytes_are_read(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    theirs.sendall(b"x")
    with pytest.raises(TimeoutError):
        DeadlineReader(ours, Deadline(0.0)).read(1)


def test_a_closed_reader_lets_the_socket_close(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    ours.settimeout(5.0)
    theirs.settimeout(0.1)
    reader = DeadlineReader(ours, Deadline(5.0))
    ours.close()
    with pytest.raises(TimeoutError):
        theirs.recv(1)
    reader.close()
    assert theirs.recv(1) == b""
