"""Which suites run where, and how their outcomes are counted."""

import json
import threading

import pytest

from scripts import run_tests
from scripts.testing import isolation
from scripts.testing.suites import NO_TESTS, Result, Suite, count

BOTH = {"sqlite": {"CHROMIUM": "sh"}, "postgres": {"CHROMIUM": "sh"}}


def plan(*arguments: str, environs=BOTH):
    options = run_tests._options(arguments)
    suites = run_tests._suites(options, environs)
    return [(suite.name, suite.database) for suite in suites if isinstance(suite, Suite)]


def test_without_options_everything_runs():
    assert plan() == [
        ("default", "sqlite"),
        ("default", "postgres"),
        ("kill", "sqlite"),
        ("kill", "postgres"),
        ("browser", "sqlite"),
    ]


def test_options_pick_suites_and_databases():
    assert plan("--kill") == [("kill", "sqlite"), ("kill", "postgres")]
    assert plan("--browser") == [("browser", "sqlite")]
    assert plan("--only", "sqlite", environs={"sqlite": {}}) == [("default", "sqlite")]
    assert plan("--only", "postgres", "--kill", environs={"postgres": {}}) == [("kill", "postgres")]


def test_the_kill_suites_run_at_the_same_time_and_report_one_after_the_other(monkeypatch, tmp_path):
    both_running = threading.Barrier(2, timeout=10)

    def run(suite, output=None):
        output.write(f"output of {suite.database}\n".encode())
        both_running.wait()
        return Result(suite.name, suite.database, passed=1)

    monkeypatch.setattr(Suite, "run", run)
    suites = [Suite("kill", database, {}) for database in BOTH]

    with (tmp_path / "output").open("wb") as output:
        results = list(run_tests._side_by_side(suites, output))

    assert [result.database for result in results] == ["sqlite", "postgres"]
    assert (tmp_path / "output").read_text() == "output of sqlite\noutput of postgres\n"


@pytest.mark.parametrize(
    ("arguments", "ok"), [(["--browser"], True), (["--browser", "--require-browser"], False)]
)
def test_without_chromium_the_browser_suite_is_named(arguments, ok):
    environs = {"sqlite": {"CHROMIUM": "/absent/chromium"}}

    (result,) = run_tests._suites(run_tests._options(arguments), environs)

    assert isinstance(result, Result)
    assert (result.ok, "no Chromium" in result.note) == (ok, True)


def test_what_configures_an_installation_does_not_reach_the_tests(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secret")

    environ = run_tests._base_environ()

    assert "ENVIRONMENT" not in environ
    assert "SECRET_KEY_FILE" not in environ
    assert environ["SYNCPLATFORM_ENV_FILE"] == "none"


def test_outcomes_are_counted(tmp_path):
    report = tmp_path / "report.xml"
    suite = '<testsuite tests="7" failures="1" errors="2" skipped="1"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>")

    assert count(report) == (3, 3, 1)
    assert count(tmp_path / "absent.xml") == (0, 0, 0)


@pytest.mark.parametrize("required", [True, False])
def test_an_empty_suite_fails_only_where_it_is_required(tmp_path, required):
    result = Suite("kill", "sqlite", {}, required=required)._result(NO_TESTS, tmp_path / "absent.xml", 1.0)

    assert (result.ok, result.note) == (not required, "no tests yet")


def test_the_report_closes_with_the_sums(capsys):
    results = [Result("default", "sqlite", 3, 0, 1, 1.0), Result("kill", "sqlite", 1, 2, 0, 1.0, ok=False)]

    assert run_tests._report(results, 2.0, as_json=True) == 1

    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "4 passed, 2 failed, 1 skipped in 2.0 s"
    assert json.loads(captured.out)["failed"] == 2


def test_each_worker_has_a_redis_database_of_its_own():
    environ = {"PYTEST_XDIST_WORKER": "gw1", "TEST_REDIS_URLS": "redis://r/15 redis://r/14"}

    assert isolation.of_worker(environ) == {"REDIS_URL": "redis://r/14", "CACHE_KEY_PREFIX": "test-gw1"}
    assert isolation.of_worker({}) == {}
