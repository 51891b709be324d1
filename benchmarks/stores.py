"""Databases of a measurement's own, made and dropped, that know which rows were really written."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

Writes = dict[str, int]

LOCAL_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
FLUSH_SECONDS = 10.0
OLD_STATISTICS_SECONDS = 1.5
SHARED_MEMORY_STATISTICS = 150_000


class Store(ABC):
    """One database. `url` is its DATABASE_URL, `version` what serves it."""

    name: str
    url: str
    version: str

    @abstractmethod
    def start_counting(self, tables: Sequence[str]) -> None:
        """Count rows written to these tables from now on; called once, after the tables were made."""

    @abstractmethod
    def writes(self) -> Writes:
        """Rows inserted, updated and deleted by table so far, when no one else is connected."""


class SqliteStore(Store):
    """A file. Triggers count each row that is really inserted, updated or deleted."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"
        self.version = f"SQLite {sqlite3.sqlite_version}"

    def start_counting(self, tables: Sequence[str]) -> None:
        """Add a counter a table, and three triggers that raise it."""
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute("CREATE TABLE bench_writes (name TEXT PRIMARY KEY, rows INTEGER NOT NULL)")
            for table in tables:
                connection.execute("INSERT INTO bench_writes VALUES (?, 0)", [table])
                for event in ("INSERT", "UPDATE", "DELETE"):
                    connection.execute(
                        f'CREATE TRIGGER "bench_{table}_{event}" AFTER {event} ON "{table}" '
                        f"BEGIN UPDATE bench_writes SET rows = rows + 1 WHERE name = '{table}'; END"
                    )
            connection.commit()

    def writes(self) -> Writes:
        """What the triggers counted."""
        with closing(sqlite3.connect(self._path)) as connection:
            return dict(connection.execute("SELECT name, rows FROM bench_writes"))


class PostgresStore(Store):
    """A database on a server. The server's own statistics count the rows."""

    name = "postgres"

    def __init__(self, url: str) -> None:
        self.url = url
        self._tables: list[str] = []
        with psycopg.connect(url) as connection:
            self._server_version = connection.info.server_version
        self.version = f"PostgreSQL {self._server_version // 10_000}.{self._server_version % 10_000}"

    def start_counting(self, tables: Sequence[str]) -> None:
        """Note the tables; the server counts anyway."""
        self._tables = list(tables)

    def writes(self) -> Writes:
        """The statistics, once every other session has handed in its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            self._wait_until_alone(connection)
            rows = connection.execute(
                "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"
                " WHERE relname = ANY(%s)",
                [self._tables],
            )
            return {name: int(count) for name, count in rows.fetchall()}

    def _wait_until_alone(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        deadline = time.monotonic() + FLUSH_SECONDS
        while connection.execute(others).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise RuntimeError("another session stays connected to the database of the measurement")
            time.sleep(0.05)
        if self._server_version < SHARED_MEMORY_STATISTICS:
            time.sleep(OLD_STATISTICS_SECONDS)


@contextmanager
def sqlite_store(directory: Path) -> Iterator[Store]:
    """A new file in `directory`, deleted at the end."""
    path = directory / f"bench-{secrets.token_hex(3)}.sqlite3"
    try:
        yield SqliteStore(path)
    finally:
        for leftover in directory.glob(f"{path.name}*"):
            leftover.unlink()


@contextmanager
def postgres_store(server: str) -> Iterator[Store]:
    """A new database on the server at this URL, dropped at the end."""
    name = f"syncplatform_bench_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield PostgresStore(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def postgres_server(environ: Mapping[str, str]) -> Iterator[str]:
    """A server where databases may be created: TEST_DATABASE_URL, the one on this machine, or our own."""
    named = environ.get("TEST_DATABASE_URL", "")
    if named:
        yield named
        return
    try:
        psycopg.connect(LOCAL_SERVER, connect_timeout=3).close()
    except psycopg.OperationalError:
        from scripts.testing.own_servers import own_postgres

        with own_postgres() as server:
            yield server.url
    else:
        yield LOCAL_SERVER
