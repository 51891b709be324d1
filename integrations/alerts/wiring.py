"""Plugging alerts into what happens: the ends of jobs and runs, errors of commands, notices."""

from __future__ import annotations

from integrations.alerts import connections, service
from integrations.alerts.notify import NotifyAlert
from integrations.jobs import breaker, hooks, job_metrics
from synclogs.alerts import provide_announcer


def connect() -> None:
    """Register every callback; called when the app is ready, and harmless when called again."""
    provide_announcer(NotifyAlert.announce)
    for callbacks, callback in (
        (hooks.on_job_failed, service.job_failed),
        (hooks.on_run_ended, service.run_ended_well),
        (hooks.on_breaker_changed, connections.breaker_changed),
        (hooks.on_try_ended, breaker.try_ended),
        (hooks.on_try_started, job_metrics.try_started),
        (hooks.on_try_ended, job_metrics.try_ended),
    ):
        if callback not in callbacks:
            callbacks.append(callback)  # type: ignore[arg-type]
