"""One limit, many processes and threads, a real database: no window ever holds more than it takes."""

import multiprocessing
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connections

from integrations.http.errors import BudgetSpent
from integrations.http.limits import Budget, Limits, Window, shared_budget
from integrations.http.limits.clock import database_clock

LIMITS = Limits("acme", "tenant 1", (Window(20, 1), Window(400, 60)))
PROCESSES, THREADS, SECONDS = 3, 3, 3.0


def call_for_a_while(report: Callable[[list[float]], object]) -> None:
    budget, calls, lock = Budget(LIMITS), list[float](), threading.Lock()
    end = time.monotonic() + SECONDS

    def work() -> None:
        try:
            while time.monotonic() < end:
                budget.acquire(patience=max(0.0, end - time.monotonic()))
                with lock:
                    calls.append(database_clock())
        except BudgetSpent:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(calls)


@pytest.mark.django_db(transaction=True)
def test_processes_and_threads_together_stay_within_the_limit() -> None:
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    processes = [fork.Process(target=call_for_a_while, args=(queue.put,)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    calls = sorted(at for _ in processes for at in queue.get())
    for process in processes:
        process.join(10)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    fullest = max(sum(1 for other in calls if at - 0.98 < other <= at) for at in calls)
    assert fullest <= 20
    assert len(calls) >= 0.6 * 20 * SECONDS


def test_sessions_of_one_process_share_what_it_reserved() -> None:
    assert shared_budget(LIMITS) is shared_budget(Limits("acme", "tenant 1", LIMITS.windows))
    other = Limits("acme", "tenant 2", LIMITS.windows)
    assert shared_budget(other) is not shared_budget(LIMITS)
