"""Whether a queue's broker answers, asked of real brokers."""

from __future__ import annotations

import socket

import pytest
from django_q.brokers.redis_broker import Redis
from django_q.conf import Conf

from integrations.jobs import qcluster


@pytest.mark.django_db
def test_the_broker_of_the_tests_answers() -> None:
    assert qcluster.is_reachable("workflows")


def test_a_redis_that_is_not_there_does_not_answer_and_is_named_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(Conf, "REDIS", f"redis://127.0.0.1:{port}/0?socket_connect_timeout=1")
    gone = Redis("workflows")
    monkeypatch.setattr(qcluster, "_broker", lambda key: gone)
    assert not qcluster.is_reachable("workflows")
    assert "queue workflows does not answer: ConnectionError" in caplog.text
