"""The operators' pages of runs, jobs, alerts and commands."""

from synclogs.admin.alerts import AlertAdmin
from synclogs.admin.command_runs import CommandExecutionAdmin
from synclogs.admin.jobs import JobAdmin
from synclogs.admin.runs import RunAdmin

__all__ = ["AlertAdmin", "CommandExecutionAdmin", "JobAdmin", "RunAdmin"]
