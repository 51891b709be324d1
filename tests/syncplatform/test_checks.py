"""System checks of the settings."""

import pytest
from django.core.checks import run_checks

from syncplatform.checks import check_cluster_name, check_database_pool


def test_the_settings_pass():
    assert [problem for problem in run_checks() if problem.is_serious()] == []


@pytest.mark.parametrize("name", ["syncplatform", "fetch", "high-priority"])
def test_a_cluster_may_have_the_name_of_a_queue(name, monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", name)

    assert check_cluster_name() == []


def test_a_cluster_that_would_wait_for_ever_is_refused(monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", "fetsh")

    assert [problem.id for problem in check_cluster_name()] == ["syncplatform.E003"]


def test_without_a_pool_nothing_is_refused(settings):
    settings.SYNCPLATFORM_PROCESS = "worker"

    assert check_database_pool() == []
