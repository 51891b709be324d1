"""What the commands of circuits have in common: reading statuses, and telling what became of a run."""

from __future__ import annotations

from collections.abc import Sequence

from circuits.statuses import ApiStatus, parse_api_status
from integrations.jobs.outcomes import Decision, Next
from synclogs.commands import CommandResult, ExitCode, UsageError, join_sentences
from synclogs.models import Job, SyncLog, SyncStatus

STATUS_HELP = f"{', '.join(ApiStatus.values)} or ALL. REWORK and CLOSED are understood too."


def read_statuses(given: Sequence[str] | None, default: Sequence[ApiStatus]) -> list[ApiStatus]:
    """The statuses of a command line, each once. Raises UsageError naming those that exist."""
    words = [word for item in given or () for word in item.replace(",", " ").split()]
    if not words:
        return list(default)
    if any(word.upper() == "ALL" for word in words):
        return list(ApiStatus)
    try:
        return list(dict.fromkeys(parse_api_status(word) for word in words))
    except ValueError as error:
        raise UsageError(str(error)) from None


def run_result(job: Job, decision: Decision) -> CommandResult:
    """What a command tells of a run that it made."""
    run = SyncLog.objects.filter(job=job).order_by("-started_at").first()
    counters = run.counts.as_dict() if run else {}
    data = {"sync": run.as_dict()} if run else {}
    if decision.next is Next.SUCCEED:
        partial = run is not None and run.sync_status == SyncStatus.WARNING
        return CommandResult("partial" if partial else "ok", counters, data=data, run=run)
    if decision.next in (Next.POSTPONE, Next.RETRY):
        message = (
            f"postponed until {job.run_at:%Y-%m-%d %H:%M:%S} UTC: {decision.reason}; a worker goes on then."
        )
        exit_code = ExitCode.LOCKED
    else:
        message = join_sentences(str(decision.error or decision.rule), decision.actionable_message)
        exit_code = ExitCode.FAILED
    result = CommandResult.failed(decision.code or str(decision.next), message, exit_code)
    result.counters, result.data, result.run = counters, data, run
    return result


def run_summary(run: SyncLog, noun: str) -> str:
    """One line on a run: its end, its counts of `noun`, what an operator should read."""
    counts = run.counts
    parts = ", ".join(
        f"{value} {name}" for name, value in counts.as_dict().items() if name != "processed" and value
    )
    text = (
        f"{run.get_sync_status_display()}: {counts.processed} {noun} in {run.duration_seconds or 0:.1f} s"
        f"{f' ({parts})' if parts else ''}"
    )
    off = run.context.get("switched_off", [])
    skipped = f"Switched off and not synced: {', '.join(off)}" if off else ""
    if not run.error_message:
        return join_sentences(text, skipped)
    return join_sentences(text, skipped, run.error_message, f"Run {run.pk}")
