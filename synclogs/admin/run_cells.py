"""What a list says of a run: the same pieces in the first answer and in every live one."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse
from django.utils.safestring import SafeString

from synclogs.admin import html
from synclogs.admin.sentences import run_progress, run_seconds, run_title
from synclogs.admin.words import duration, number
from synclogs.models import SyncLog, SyncStatus

TONES = {
    SyncStatus.STARTED: "info",
    SyncStatus.COMPLETED: "ok",
    SyncStatus.WARNING: "warn",
    SyncStatus.FAILED: "bad",
    SyncStatus.CANCELLED: "mute",
}


def run_url(run: SyncLog) -> str:
    """The address of a run's page."""
    return reverse("admin:synclogs_synclog_change", args=[run.pk])


def run_link(run: SyncLog) -> SafeString:
    """A link to a run, by what it syncs, and its connection."""
    return html.stacked(html.link(run_url(run), run_title(run)), connection(run))


def connection(run: SyncLog) -> SafeString | str:
    """The name of the connection that a run is about; empty where there is none."""
    return html.muted(run.integration.name) if run.integration is not None else ""


def status(run: SyncLog) -> SafeString:
    """The status in its color."""
    icon = "progress_activity" if run.is_open else ""
    return html.label(run.get_sync_status_display(), TONES[SyncStatus(run.sync_status)], icon=icon)


def took(run: SyncLog) -> SafeString:
    """How long it took, or has been going on."""
    text = duration(run_seconds(run))
    return html.muted(text)


def trigger(run: SyncLog) -> str:
    """Why it was started, and by whom."""
    by = f" by {run.triggered_by}" if run.triggered_by else ""
    return f"{run.get_sync_trigger_display()}{by}"


def outcome(run: SyncLog) -> SafeString:
    """How far a running run has come; what an ended one did, and its error in one line."""
    if run.is_open:
        return _progress(run)
    tone = "bad" if run.sync_status == SyncStatus.FAILED else "mute"
    return html.stacked(_chips(run), html.clipped(run.error_message, tone=tone) if run.error_message else "")


def _chips(run: SyncLog) -> SafeString:
    counts = run.counts
    chips = [
        html.chip(counts.created, "created", "ok"),
        html.chip(counts.updated, "updated", "info"),
        html.chip(counts.unchanged, "unchanged"),
        html.chip(counts.failed, "failed", "bad"),
    ]
    if counts.skipped:
        chips.append(html.chip(counts.skipped, "skipped"))
    if counts.removed:
        chips.append(html.chip(counts.removed, "removed", "warn"))
    return html.joined(chips, "op-row op-chips")


def again(run: SyncLog) -> SafeString:
    """The button that does an ended run again."""
    if run.is_open:
        return html.EMPTY
    url = reverse("admin:synclogs_synclog_retry", args=[run.pk])
    return html.post_button("Retry", url, icon="replay")


CELLS: dict[str, Callable[[SyncLog], SafeString]] = {
    "status": status,
    "took": took,
    "outcome": outcome,
    "again": again,
}


def cell(run: SyncLog, name: str) -> SafeString:
    """One piece of a run, replaceable while the run goes on."""
    content = CELLS[name](run)
    return html.live(f"run-{run.pk}-{name}", content) if run.is_open else content


def live_cells(run: SyncLog, *, operable: bool) -> dict[str, str]:
    """The pieces of a run in a live answer, part name -> HTML; the Retry button only when `operable`."""
    return {
        f"run-{run.pk}-{name}": str(piece(run))
        for name, piece in CELLS.items()
        if operable or name != "again"
    }


def _progress(run: SyncLog) -> SafeString:
    percent = run_progress(run)
    done = number(run.records_processed)
    if percent is None:
        return html.muted(f"{done} records so far")
    return html.bar(percent, text=f"{done} of {number(run.records_expected or 0)}")
