"""Inserting a delivery and its job: what never varies is prepared once, and PostgreSQL gets one statement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from integrations.jobs.base import BaseJob
from integrations.models import WebhookDelivery
from synclogs.models import Job

Columns = Mapping[str, Any]


class RowMaker:
    """Makes rows of one model: all but the `varying` columns have these values, or their defaults.

    Columns that are always NULL are left out.
    """

    def __init__(self, model: type[models.Model], varying: tuple[str, ...], **constant: Any) -> None:
        example = model(**constant)
        fields = [
            field
            for field in model._meta.concrete_fields
            if not field.generated
            and (field.attname in varying or getattr(example, field.attname) is not None)
        ]
        self._varying = [(place, field) for place, field in enumerate(fields) if field.attname in varying]
        self._values = [
            None
            if field.attname in varying
            else field.get_db_prep_save(getattr(example, field.attname), connection)
            for field in fields
        ]
        quote = connection.ops.quote_name
        self.table = quote(model._meta.db_table)
        self.columns = ", ".join(quote(field.column or "") for field in fields)
        self._binary = [isinstance(field, models.BinaryField) for field in fields]

    def values(self, row: Columns) -> list[Any]:
        """The parameters of one row, from its varying columns."""
        values = self._values.copy()
        for place, field in self._varying:
            values[place] = field.get_db_prep_save(row[field.attname], connection)
        return values

    def places(self, *, binary: bool = False) -> str:
        """A placeholder a column; raw bytes travel as such if `binary`."""
        return ", ".join("%b" if binary and is_bytes else "%s" for is_bytes in self._binary)


def insert_delivery(delivery: Columns, cls: type[BaseJob], job: Columns | None) -> tuple[UUID, bool]:
    """Insert both in one transaction, or raise `duplicates` of the delivery that is there already.

    Returns the kept delivery's id and whether it is this one. Raises django.db.Error.
    """
    if connection.vendor == "postgresql":
        kept, duplicates = _in_one_statement(delivery, cls, job)
    else:
        kept, duplicates = _in_turn(delivery, cls, job)
    return (kept if isinstance(kept, UUID) else UUID(kept)), duplicates == 0


def insert_rejection(row: Columns) -> None:
    """Insert a row of refused deliveries, or raise the count of the one of the same slot."""
    maker = _rejections(connection.vendor)
    sql = (
        f"INSERT INTO {maker.table} ({maker.columns}) VALUES ({maker.places()}) "  # noqa: S608
        f"ON CONFLICT (rejected_slot) DO UPDATE SET rejected_count = {maker.table}.rejected_count + 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, maker.values(row))


def _in_one_statement(delivery: Columns, cls: type[BaseJob], job: Columns | None) -> tuple[Any, int]:
    """One round trip, with its parameters beside the text: a body of megabytes is not turned into text."""
    import psycopg

    values = _deliveries(connection.vendor).values(delivery)
    if job is not None:
        values += _jobs(cls, connection.vendor).values(job)
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        statement = _statement(cls if job is not None else None)
        row = cursor.execute(statement, values, prepare=True).fetchone()
    kept, duplicates = row or (delivery["id"], 0)
    return kept, int(duplicates)


def _in_turn(delivery: Columns, cls: type[BaseJob], job: Columns | None) -> tuple[Any, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_upsert(), _deliveries(connection.vendor).values(delivery))
        kept, duplicates = cursor.fetchone()
        if job is not None and duplicates == 0:
            maker = _jobs(cls, connection.vendor)
            sql = f"INSERT INTO {maker.table} ({maker.columns}) VALUES ({maker.places()})"  # noqa: S608
            cursor.execute(sql, maker.values(job))
    return kept, int(duplicates)


@lru_cache(maxsize=128)
def _statement(cls: type[BaseJob] | None) -> str:
    """The delivery, and the job only where the delivery is new."""
    work = ""
    if cls is not None:
        maker = _jobs(cls, connection.vendor)
        insert = f"INSERT INTO {maker.table} ({maker.columns}) SELECT {maker.places()} FROM kept"  # noqa: S608
        work = f", work AS ({insert} WHERE duplicates = 0)"
    return f"WITH kept AS ({_upsert(binary=True)}){work} SELECT id, duplicates FROM kept"  # noqa: S608


@lru_cache(maxsize=2)
def _upsert(*, binary: bool = False) -> str:
    maker = _deliveries(connection.vendor)
    return (
        f"INSERT INTO {maker.table} ({maker.columns}) VALUES ({maker.places(binary=binary)}) "  # noqa: S608
        f"ON CONFLICT (credential_id, event_id) DO UPDATE SET duplicates = {maker.table}.duplicates + 1 "
        "RETURNING id, duplicates"
    )


RECEIVED = (
    *("id", "provider", "account_id", "credential_id", "received_at", "event_id", "attempt_no", "headers"),
    *("content_type", "body", "body_sha256", "body_size", "status", "http_status_returned", "error", "notes"),
)
REFUSED = (
    *("id", "provider", "received_at", "event_id", "headers", "content_type", "body_sha256", "body_size"),
    *("http_status_returned", "error", "rejected_slot"),
)


@lru_cache(maxsize=2)
def _deliveries(vendor: str) -> RowMaker:
    return RowMaker(WebhookDelivery, RECEIVED)


@lru_cache(maxsize=2)
def _rejections(vendor: str) -> RowMaker:
    return RowMaker(WebhookDelivery, REFUSED, status="rejected", rejected_count=1)


@lru_cache(maxsize=128)
def _jobs(cls: type[BaseJob], vendor: str) -> RowMaker:
    varying = ("id", "account_id", "unique_key", "args", "run_at", "created_at")
    constant = {"queue": cls.queue, "name": cls.name, "provider": cls.provider, "job_type": cls.job_type}
    return RowMaker(Job, varying, **constant)
