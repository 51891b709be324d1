"""The least that would do on SQLite, without any of the product: `floor_sqlite.py PATH URL`."""

import sqlite3
import sys
import uuid
from datetime import UTC, datetime

import orjson
import requests

from benchmarks.streams.floor_pg import COLUMNS, COMPARED, KEPT, row


def main(path: str, url: str) -> None:
    run, now = uuid.uuid4().hex, str(datetime.now(UTC).replace(tzinfo=None))
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in KEPT)
    old = ", ".join(f"bench_customers.{name}" for name in COMPARED)
    new = ", ".join(f"excluded.{name}" for name in COMPARED)
    upsert = (
        f"INSERT INTO bench_customers ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
        f"ON CONFLICT (credential_id, external_id) DO UPDATE SET {changes} WHERE ({old}) IS NOT ({new})"
    )
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    with requests.Session() as http:
        number, more = 1, True
        while more:
            page = orjson.loads(
                http.get(f"{url}/crm/v2/tenant/1/customers?page={number}&pageSize=1000").content
            )
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(upsert, (row(record, run, now) for record in page["data"]))
            connection.execute("COMMIT")
            number, more = number + 1, page["hasMore"]
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
