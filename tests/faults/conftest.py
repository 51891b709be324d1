"""A database with the effects' table, and the brokers that can be used on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import effects
from tests.faults.installation import Installation, installation
from tests.integrations.jobs.committed import _empty_by_hand, committed  # noqa: F401


@pytest.fixture
def _effects(committed: None) -> Iterator[None]:  # noqa: F811
    """An empty effects table."""
    effects.create_table()
    yield
    effects.drop_table()


def brokers() -> list[str]:
    """The brokers to be tried with the database of this environment."""
    postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
    return ["orm", "redis"] if postgres and os.environ.get("REDIS_URL") else ["orm"]


@pytest.fixture(params=brokers())
def ours(request: pytest.FixtureRequest, _effects: None, tmp_path: Path) -> Iterator[Installation]:
    """An installation on this test's database, once with each broker."""
    with installation(request.param, tmp_path) as started:
        yield started
