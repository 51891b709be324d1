"""Inserting a delivery and its job: the SQL is made once, and on PostgreSQL sent as one statement."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from integrations.models import WebhookDelivery
from synclogs.models import Job


def insert_delivery(delivery: WebhookDelivery, job: Job | None) -> tuple[UUID, bool]:
    """Insert both in one transaction, or raise `duplicates` of the delivery that is there already.

    Returns the kept delivery's id and whether it is this one. Raises django.db.Error.
    """
    if connection.vendor == "postgresql":
        kept, duplicates = _in_one_statement(delivery, job)
    else:
        kept, duplicates = _in_turn(delivery, job)
    return (kept if isinstance(kept, UUID) else UUID(kept)), duplicates == 0


def insert_rejection(row: WebhookDelivery) -> None:
    """Insert a row of refused deliveries, or raise the count of the one of the same slot."""
    table, columns, places = _parts(WebhookDelivery)
    sql = (
        f"INSERT INTO {table} ({columns}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT (rejected_slot) DO UPDATE SET rejected_count = {table}.rejected_count + 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(row))


def _in_one_statement(delivery: WebhookDelivery, job: Job | None) -> tuple[Any, int]:
    """One round trip, with its parameters beside the text: a body of megabytes is not turned into text."""
    import psycopg

    values = _values(delivery) + (_values(job) if job is not None else [])
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(_statement(job is not None), values).fetchone()
    kept, duplicates = row or (delivery.pk, 0)
    return kept, int(duplicates)


def _in_turn(delivery: WebhookDelivery, job: Job | None) -> tuple[Any, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_upsert(), _values(delivery))
        kept, duplicates = cursor.fetchone()
        if job is not None and duplicates == 0:
            table, columns, places = _parts(Job)
            cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", _values(job))  # noqa: S608
    return kept, int(duplicates)


@lru_cache(maxsize=2)
def _statement(with_job: bool) -> str:
    """The delivery, and the job only where the delivery is new."""
    work = ""
    if with_job:
        table, columns, places = _parts(Job)
        insert = f"INSERT INTO {table} ({columns}) SELECT {places} FROM kept WHERE duplicates = 0"  # noqa: S608
        work = f", work AS ({insert})"
    return f"WITH kept AS ({_upsert(binary=True)}){work} SELECT id, duplicates FROM kept"  # noqa: S608


@lru_cache(maxsize=2)
def _upsert(*, binary: bool = False) -> str:
    table, columns, places = _parts(WebhookDelivery, binary=binary)
    return (
        f"INSERT INTO {table} ({columns}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT (credential_id, event_id) DO UPDATE SET duplicates = {table}.duplicates + 1 "
        "RETURNING id, duplicates"
    )


def _parts(model: type[models.Model], *, binary: bool = False) -> tuple[str, str, str]:
    """The quoted table, its columns and a placeholder for each; raw bytes travel as such if `binary`."""
    quote = connection.ops.quote_name
    fields = _fields(model)
    places = ("%b" if binary and isinstance(field, models.BinaryField) else "%s" for field in fields)
    columns = ", ".join(quote(field.column or "") for field in fields)
    return quote(model._meta.db_table), columns, ", ".join(places)


def _values(row: models.Model) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _fields(type(row))]


@lru_cache(maxsize=4)
def _fields(model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.generated)
