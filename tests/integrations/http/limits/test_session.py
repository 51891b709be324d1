"""A budget in a session: every attempt takes from it, and every reply is heard."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.http.errors import BudgetSpent, RateLimited, ServerError
from integrations.http.limits import Budget, Limits, Window
from integrations.http.patience import patience
from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import RateBudget
from tests.integrations.http.server import ScriptedServer, reply

pytestmark = pytest.mark.django_db

Open = Callable[..., ApiSession]


def budget_of(calls: int, seconds: int = 600, **options: Any) -> Budget:
    return Budget(Limits("acme", "tenant 1", (Window(calls, seconds),)), **options)


def used() -> int:
    return sum(RateBudget.objects.get().reserved.values())


def test_every_attempt_takes_from_the_budget(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(503), reply(503), reply(200, b"{}"))
    session = open_session(server.url, budget=budget_of(10), retry=RetryPolicy(attempts=3, jitter=0))
    session.request("GET", "things")
    assert used() >= 3


def test_nothing_is_sent_when_the_budget_is_spent(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(200, b"{}"))
    session = open_session(server.url, budget=budget_of(1), retry=RetryPolicy(attempts=5))
    session.request("GET", "things")
    with pytest.raises(BudgetSpent):
        session.request("GET", "things")
    assert len(server.received) == 1


def test_a_call_may_cost_more(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(200, b"{}"))
    session = open_session(server.url, budget=budget_of(10))
    session.request("GET", "report", cost=10)
    with pytest.raises(BudgetSpent):
        session.request("GET", "things")


def test_a_refusal_stops_other_sessions_too(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(429, b"", {"Retry-After": "90"}))
    with pytest.raises(RateLimited):
        open_session(server.url, budget=budget_of(10)).request("GET", "things")
    with pytest.raises(BudgetSpent):
        open_session(server.url, budget=budget_of(10)).request("GET", "things")
    assert len(server.received) == 1


def test_a_patient_session_waits_where_others_postpone(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(429, b"", {"Retry-After": "60"}), reply(200, b"{}"))
    slept: list[float] = []
    with patience(300):
        session = open_session(server.url, retry=RetryPolicy(attempts=2, jitter=0), sleep=slept.append)
    session.request("GET", "things")
    assert slept == [60.0]


def test_errors_are_heard_as_well(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(500, b"", {"RateLimit-Remaining": "0", "RateLimit-Reset": "80"}))
    with pytest.raises(ServerError):
        open_session(server.url, budget=budget_of(10)).request("GET", "things")
    assert RateBudget.objects.get().blocked_reason == "the vendor says that no call is left"
