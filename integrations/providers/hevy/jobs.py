"""Hevy's jobs: the history of workouts once, then what changed, and both to events."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.http.errors import RecordError
from integrations.jobs.outcomes import JobFailed, Postpone
from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.initialization import BaseInitializationJob
from integrations.jobs.staged.page import CursorMove, Page
from integrations.models import Credential, Event
from integrations.providers.hevy import workouts
from integrations.providers.hevy.client import PROVIDER, HevyClient
from integrations.sync.activity.drafts import Draft
from integrations.sync.among import Among
from integrations.sync.records import Refused
from synclogs.issues import IssueBook

logger = logging.getLogger("syncplatform.hevy")

EVENTS, HISTORY = "events", "history_workouts"
BEGINNING = "1970-01-01T00:00:00Z"
OVERLAP = timedelta(minutes=5)
RESTARTS = 2
PAGES_AT_ONCE = 60


@register_job
class HevyWorkoutData(BaseEventJob):
    """Workouts to events. An item is an event of Hevy's feed: a workout that was updated, or deleted."""

    name = "hevy.workout_data"
    provider = PROVIDER
    job_type = "workout_data"
    authoritative_blocks = True

    def prepare(self, items: Sequence[Any]) -> None:
        """The events that are stored of these workouts."""
        ids = [workouts.source_id(workout_id(item)) for item in items]
        stored = Event.objects.filter(Among("source_id", ids), integration=self.integration)
        self._stored = {event.source_id: event for event in stored.select_related("actor", "target")}

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """One event of the feed; what is older than what is stored comes to nothing."""
        number = workout_id(item)
        if not number:
            raise RecordError("the workout has no id", code="missing", field="id")
        stored = self._stored.get(workouts.source_id(number))
        if item.get("type") == "deleted":
            if stored is not None and not _is_older(workouts.moment(item, "deleted_at"), stored):
                yield workouts.deleted_draft(stored)
            return
        workout = item["workout"]
        if stored is None or not _is_older(workouts.moment(workout, "updated_at"), stored):
            yield workouts.event_draft(workout, self.payload.context["user"])

    def source_id(self, item: Any) -> str:
        """The workout's id."""
        return workout_id(item)


@register_job
class HevyWorkoutPull(BaseFetchJob):
    """What changed since the last poll, from the feed of events.

    The feed has its newest events first, so the cursor moves once all of it was read: to five minutes before
    the first request.
    """

    name = "hevy.workout_pull"
    provider = PROVIDER
    job_type = "workout_pull"

    def fetch_data(self) -> Iterator[Page]:
        """One page with everything, and the cursor."""
        since = str(self.cursor(EVENTS).get("since", BEGINNING))
        if self.since is not None:
            since = self.since.isoformat()
        reached = timezone.now() - OVERLAP
        with HevyClient(credential_of(self)) as client:
            user = client.user()
            events = self._all_events(client, since)
        move = CursorMove(EVENTS, {"since": reached.isoformat()}, high_water=reached)
        yield Page(HevyWorkoutData, newest_of_each(events), {"user": user}, cursors=(move,))

    def _all_events(self, client: HevyClient, since: str) -> list[Any]:
        """Every page; begun again, twice at most, when the number of pages changes on the way."""
        for attempt in range(RESTARTS + 1):
            events, pages, page = [], None, 1
            while True:
                self.check()
                found = client.events(page, since)
                moved = pages is not None and found.page_count != pages
                if moved and attempt < RESTARTS:
                    break
                pages = found.page_count
                events += found.items
                if page >= found.page_count or not found.items:
                    return events
                page += 1
        return events


@register_job
class HevyWorkoutHistory(BaseInitializationJob):
    """All workouts of a new connection, ten a page and sixty pages a start."""

    name = "hevy.workout_history"
    provider = PROVIDER
    job_type = "workout_history"

    def initialize(self) -> None:
        """Page after page from the cursor on; then the feed begins where the first request was made."""
        state = self.cursor(HISTORY)
        page, began = int(state.get("page", 1)), str(state.get("began", timezone.now().isoformat()))
        seen, last_ids = int(state.get("seen", 0)), set(state.get("last_ids", ()))
        with HevyClient(credential_of(self)) as client:
            user = client.user()
            count = int(state["count"]) if "count" in state else client.workout_count()
            for _ in range(PAGES_AT_ONCE):
                found = client.workouts(page)
                is_last = page >= found.page_count or not found.items
                events = [{"type": "updated", "workout": workout} for workout in found.items]
                ids = {workout_id(event) for event in events}
                page, seen, last_ids = page + 1, seen + len(ids - last_ids), ids
                state = {"page": page, "began": began, "count": count}
                state |= {"seen": seen, "last_ids": sorted(ids)}
                moves = [CursorMove(HISTORY, state)]
                if is_last:
                    since = datetime.fromisoformat(began) - OVERLAP
                    moves.append(CursorMove(EVENTS, {"since": since.isoformat()}, high_water=since))
                self.stage(Page(HevyWorkoutData, events, {"user": user}, cursors=tuple(moves)))
                if is_last:
                    self._compare(seen, min(count, client.workout_count()))
                    return
        raise Postpone(timezone.now() + timedelta(seconds=1), "there is more history to read")

    def _compare(self, seen: int, count: int) -> None:
        """Note it when the list, which moves while it is read, had fewer workouts than Hevy counts."""
        if seen >= count:
            return
        error = RecordError(f"the list had {seen} workouts, Hevy counts {count}", code="incomplete_list")
        IssueBook(self.run, HISTORY).add([Refused(0, "", error)])
        logger.warning("%s: %s", self.integration, error.message)


def workout_id(item: Any) -> str:
    """The id of the workout that an event is about; empty where it says none."""
    if not isinstance(item, Mapping):
        return ""
    workout = item.get("workout") if item.get("type") != "deleted" else item
    return str(workout.get("id") or "") if isinstance(workout, Mapping) else ""


def newest_of_each(events: Iterable[Any]) -> list[Any]:
    """The newest event of each workout, so that an old change does not bring a deleted one back."""
    newest: dict[str, Any] = {}
    nameless = []
    for event in events:
        number = workout_id(event)
        if not number:
            nameless.append(event)
        elif number not in newest or _stamp(event) > _stamp(newest[number]):
            newest[number] = event
    return [*newest.values(), *nameless]


def credential_of(job: BaseFetchJob | BaseInitializationJob) -> Credential:
    """The credential of the job's connection. Raises JobFailed when there is none."""
    credential = job.integration.credential
    if credential is None:
        raise JobFailed("the connection has no API key", code="not_configured")
    return credential


def _stamp(event: Any) -> datetime:
    name = "deleted_at" if event.get("type") == "deleted" else "updated_at"
    try:
        return workouts.moment(event if name == "deleted_at" else event["workout"], name)
    except RecordError:
        return datetime.fromisoformat(BEGINNING)


def _is_older(when: datetime, stored: Event) -> bool:
    known = stored.event_metadata.get("updated_at")
    return bool(known) and when < datetime.fromisoformat(known)
