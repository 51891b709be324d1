"""Fifty callers in five processes whose token has ended: one refresh, and everybody is served."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from integrations.models import Credential
from integrations.sandbox import SandboxServer
from integrations.tokens import ClientCredentials, CredentialToken, TokenEndpoint
from tests.integrations.tokens.conftest import CLIENT, new_session
from tests.integrations.tokens.vendor import TokenVendor

PROCESSES, THREADS = 5, 10


def call_from_many_threads(server: SandboxServer, new_token: Callable[[], Any], report: Any) -> None:
    ready, results, lock = threading.Barrier(THREADS), list[str](), threading.Lock()

    def work() -> None:
        try:
            ready.wait()
            with new_session(server, new_token()) as session:
                outcome = str(session.request("GET", "things").status)
        except Exception as error:
            outcome = repr(error)
        finally:
            connections.close_all()
        with lock:
            results.append(outcome)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(results)


def call_from_many_processes(server: SandboxServer, new_token: Callable[[], Any]) -> list[str]:
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    processes = [
        fork.Process(target=call_from_many_threads, args=(server, new_token, queue.put))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    results = [outcome for _ in processes for outcome in queue.get()]
    for process in processes:
        process.join(10)
    return results


@pytest.fixture
def slow(vendor: TokenVendor) -> TokenVendor:
    """A vendor that takes its time, so that all callers wait at once."""
    vendor.slow_seconds = 0.3
    return vendor


@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_that_works_once_survives_fifty_callers(
    credential: Credential, server: SandboxServer, endpoint: TokenEndpoint, slow: TokenVendor
) -> None:
    started = time.monotonic()
    results = call_from_many_processes(
        server, lambda: CredentialToken(Credential.objects.get(pk=credential.pk), endpoint, lambda: CLIENT)
    )
    assert results == ["200"] * PROCESSES * THREADS
    assert len(slow.asked) == 1
    credential.refresh_from_db()
    assert credential.token_version == 1
    assert credential.secret("refresh_token") == slow.refresh_token
    assert time.monotonic() - started < 15


@pytest.mark.django_db(transaction=True)
def test_fifty_callers_ask_for_one_token_of_the_client(
    server: SandboxServer, endpoint: TokenEndpoint, slow: TokenVendor
) -> None:
    results = call_from_many_processes(server, lambda: ClientCredentials(endpoint, CLIENT))
    assert results == ["200"] * PROCESSES * THREADS
    assert len(slow.asked) == 1
