"""The operators' pages of runs and jobs."""

from synclogs.admin.jobs import JobAdmin
from synclogs.admin.runs import RunAdmin

__all__ = ["JobAdmin", "RunAdmin"]
