"""Who does the work, on which database, and how its result is read."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.streams.measure import ROOT, Cost, run

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".peers"
SETTINGS = {"SYNCPLATFORM_ENV_FILE": "none", "DJANGO_SETTINGS_MODULE": "benchmarks.streams.settings"}
OWN_TABLE = "SELECT external_id, name, balance, active FROM bench_customers ORDER BY external_id"
PEERS_TABLE = "SELECT id, name, balance, active FROM bench.customers ORDER BY id"


class Contender:
    """One way to do the work. `rows` of the vendor's customers are taken (None: all)."""

    name = ""
    table = OWN_TABLE
    rows: int | None = None

    def __init__(self, url: str) -> None:
        self.url = url
        self.on_sqlite = url.startswith("sqlite:")
        self.path = url.removeprefix("sqlite:///")

    def prepare(self) -> None:
        """Make the tables, once."""
        environ = {**SETTINGS, "DATABASE_URL": self.url}
        run([sys.executable, "-m", "benchmarks.streams.product", "prepare"], environ)

    def empty(self) -> None:
        """Forget every row before a round."""
        if self.on_sqlite:
            with closing(sqlite3.connect(self.path)) as connection:
                connection.execute("DELETE FROM bench_customers")
                connection.commit()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            self._execute("TRUNCATE bench_customers")

    def pull(self, vendor: str) -> Cost:
        """Do the work once, in a process of its own."""
        raise NotImplementedError

    def result(self) -> list[tuple[Any, ...]]:
        """Key, name, balance and activity of each customer that stands in the table."""
        if self.on_sqlite:
            with closing(sqlite3.connect(self.path)) as connection:
                return connection.execute(self.table).fetchall()
        with psycopg.connect(self.url) as connection:
            return connection.execute(self.table).fetchall()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


class Product(Contender):
    """The product, from the numbered list with four requests in flight."""

    name = "product"
    kind = "list"

    def pull(self, vendor: str) -> Cost:
        """A run through the engine."""
        environ = {**SETTINGS, "DATABASE_URL": self.url}
        return run([sys.executable, "-m", "benchmarks.streams.product", "pull", vendor, self.kind], environ)


class ProductFeed(Product):
    """The product, from the feed with one page ahead."""

    name = "product, feed"
    kind = "feed"


class Floor(Contender):
    """requests, orjson and one merge a page, into the product's own table."""

    name = "floor"

    def pull(self, vendor: str) -> Cost:
        """A script without any framework."""
        module = "floor_sqlite" if self.on_sqlite else "floor_pg"
        where = self.path if self.on_sqlite else self.url
        return run([sys.executable, "-m", f"benchmarks.streams.{module}", where, vendor], {})


class DjangoLoop(Contender):
    """`update_or_create` for each of a few rows; its seconds are scaled up by the report."""

    name = "Django loop"
    rows = 2000

    def pull(self, vendor: str) -> Cost:
        """A loop."""
        environ = {**SETTINGS, "DATABASE_URL": self.url}
        command = [sys.executable, "-m", "benchmarks.streams.django_loop", vendor, str(self.rows)]
        return run(command, environ)


class Dlt(Contender):
    """dlt with the merge disposition."""

    name = "dlt"
    table = PEERS_TABLE
    executable = PEERS / "dlt" / "bin" / "python"

    def prepare(self) -> None:
        """dlt makes its tables itself."""
        self._directory = Path(tempfile.mkdtemp(prefix="syncplatform-bench-dlt-"))

    def empty(self) -> None:
        """Forget the schema and dlt's own files."""
        self._execute("DROP SCHEMA IF EXISTS bench CASCADE")
        self._execute("DROP SCHEMA IF EXISTS bench_staging CASCADE")
        shutil.rmtree(self._directory, ignore_errors=True)

    def pull(self, vendor: str) -> Cost:
        """One pipeline run."""
        environ = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
        parts = urlsplit(self.url)
        login = f"{parts.username}:{parts.password or 'unused'}"
        dsn = f"postgresql://{login}@{parts.hostname}:{parts.port or 5432}{parts.path}"
        script = str(HERE / "with_dlt.py")
        return run([str(self.executable), script, dsn, vendor, str(self._directory)], environ)


class Singer(Contender):
    """A tap piped into meltanolabs-target-postgres, upserting."""

    name = "Singer"
    table = PEERS_TABLE
    executable = PEERS / "singer" / "bin" / "target-postgres"

    def prepare(self) -> None:
        """Write the target's configuration; it makes its tables itself."""
        parts = urlsplit(self.url)
        self._config = Path(tempfile.mkdtemp(prefix="syncplatform-bench-singer-")) / "config.json"
        config = {
            "host": parts.hostname,
            "port": parts.port or 5432,
            "user": parts.username,
            "password": parts.password or "unused",
            "database": parts.path.lstrip("/"),
            "default_target_schema": "bench",
            "load_method": "upsert",
            "add_record_metadata": False,
            "activate_version": False,
        }
        self._config.write_text(json.dumps(config))

    def empty(self) -> None:
        """Forget the schema."""
        self._execute("DROP SCHEMA IF EXISTS bench CASCADE")

    def pull(self, vendor: str) -> Cost:
        """Tap and target as two processes."""
        tap = f"'{self.executable.parent / 'python'}' '{HERE / 'tap.py'}' '{vendor}'"
        return run(["sh", "-c", f"{tap} | '{self.executable}' --config '{self._config}' >/dev/null"], {})


ON_POSTGRES: Sequence[type[Contender]] = (Floor, Product)
PEERS_ON_POSTGRES: Sequence[type[Contender]] = (DjangoLoop, Dlt, Singer)
ON_SQLITE: Sequence[type[Contender]] = (Floor, Product)

__all__ = ["ON_POSTGRES", "ON_SQLITE", "PEERS_ON_POSTGRES", "ROOT", "Contender", "ProductFeed"]
