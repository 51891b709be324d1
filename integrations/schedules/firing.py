"""Firing what is due: the supervisor calls it each second. docs/jobs.md, "Schedules".

django-q2's own scheduler is switched off: it hands a slot to the broker, where a crash can lose it. Here the
slot's job and the schedule's next time are one transaction, and a slot (name + intended time) has one job
however many supervisors look.
"""

from __future__ import annotations

import logging
import time

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from django_q.models import Schedule as Row

from integrations.schedules.declared import declared_schedules
from integrations.schedules.loading import FIRE, next_times
from synclogs.critical import handle_worker_error
from synclogs.models import Job

logger = logging.getLogger("syncplatform.schedules")

TRY_AGAIN_SECONDS = 60.0

_resting: dict[int, float] = {}


def fire_due() -> int:
    """Create the jobs of every slot that has come; returns how many. What was missed meanwhile fires once.

    A schedule that cannot start rests for a minute and does not stop the others. Raises OperationalError or
    InterfaceError when the database is away.
    """
    due = Row.objects.filter(func=FIRE, next_run__lte=timezone.now()).order_by("next_run")
    return sum(_fire_safely(pk, name) for pk, name in due.values_list("pk", "name"))


def fire(name: str, intended: str) -> Job | None:
    """Create the job of one slot unless it exists, in the caller's transaction.

    None when the schedule has nothing to do. Raises KeyError for a schedule that is not declared here.
    """
    slot = f"{name} {intended}"
    existing = Job.objects.filter(schedule_slot=slot).first()
    if existing is not None:
        return existing
    job = declared_schedules()[name].start()
    if job is not None:
        Job.objects.filter(pk=job.pk, schedule_slot__isnull=True).update(schedule_slot=slot)
    return job


def _fire_safely(pk: int, name: str) -> bool:
    if _resting.get(pk, 0.0) > time.monotonic():
        return False
    try:
        return _fire_one(pk)
    except (OperationalError, InterfaceError):
        raise
    except IntegrityError as error:
        logger.warning("schedule %s is tried again: %s", name, error)
    except Exception as error:
        handle_worker_error(error, f"schedule {name}"[:100])
    _resting[pk] = time.monotonic() + TRY_AGAIN_SECONDS
    return False


def _fire_one(pk: int) -> bool:
    with transaction.atomic():
        row = Row.objects.select_for_update().filter(pk=pk, next_run__lte=timezone.now()).first()
        if row is None or row.next_run is None or row.cron is None:
            return False
        if row.name not in declared_schedules():
            logger.warning("schedule %s is not declared here: run `manage.py schedules load`", row.name)
            _resting[pk] = time.monotonic() + TRY_AGAIN_SECONDS
            return False
        job = fire(row.name, row.next_run.isoformat())
        row.next_run = next_times(row.cron, timezone.now(), 1)[0]
        row.save(update_fields=["next_run"])
    logger.info("schedule %s fired: %s", row.name, f"job {job.pk}" if job else "nothing to do")
    return job is not None
