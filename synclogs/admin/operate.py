"""Retrying and cancelling: one service call, a trace on the row, a message, and on to the job's page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.models import User
from synclogs.admin.base import ReadOnlyAdmin, VisibleOnly, signed_in_user
from synclogs.admin.ports import operations
from synclogs.models import Job

Retry = Callable[[Any, User | None], Job]

OPERATE = "synclogs.operate_syncs"


class OperableAdmin(VisibleOnly, ReadOnlyAdmin):
    """A ledger page whose rows an operator may retry."""

    def retry_operation(self) -> Retry:
        """The service that queues a row again."""
        raise NotImplementedError

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may start, retry and cancel syncs."""
        return request.user.has_perm(OPERATE) and self.has_view_permission(request)

    def operable(self, request: HttpRequest, object_id: uuid.UUID) -> Any:
        """The row to operate on, or None. Raises PermissionDenied for users who may only look."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return self.found(request, object_id)

    def retry_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Queue one row again and go to its new job."""
        row = self.operable(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        job = self.retry(request, row)
        return to_job(job) if job is not None else redirect(self.url_of(row))

    def retry_many(self, request: HttpRequest, rows: Iterable[Any]) -> HttpResponse | None:
        """Queue several rows again and go to the one new job, or to the list of jobs."""
        jobs = {job.pk: job for row in rows if (job := self.retry(request, row)) is not None}
        if not jobs:
            return None
        return (
            to_job(next(iter(jobs.values()))) if len(jobs) == 1 else redirect("admin:synclogs_job_changelist")
        )

    def retry(self, request: HttpRequest, row: Any) -> Job | None:
        """Queue one row again; None, and a message, when that makes no sense."""
        before = timezone.now()
        try:
            job = self.retry_operation()(row, signed_in_user(request))
        except operations().refusals as error:
            self.refused(request, f"{row} was not retried: {error}")
            return None
        if job.created_at < before:
            self.message_user(
                request, f"The same work is {job.get_status_display()} already, as {job}.", messages.WARNING
            )
            return job
        self.done(request, row, f"Retried as job {job.pk}.", f"{row} is queued again as {job}.")
        return job


def to_job(job: Job) -> HttpResponse:
    """On to the page of a job."""
    return redirect("admin:synclogs_job_change", job.pk)
