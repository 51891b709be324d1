"""The same work done by dlt, in an environment of its own: `with_dlt.py DSN URL DIRECTORY`."""

import sys
from collections.abc import Iterator
from typing import Any

import dlt  # type: ignore[import-not-found]
import orjson
import requests


def customers(url: str) -> Iterator[list[dict[str, Any]]]:
    """Each page as a list, as dlt likes it best."""
    with requests.Session() as http:
        number, more = 1, True
        while more:
            reply = http.get(f"{url}/crm/v2/tenant/1/customers?page={number}&pageSize=1000")
            page = orjson.loads(reply.content)
            yield page["data"]
            number, more = number + 1, page["hasMore"]


def main(dsn: str, url: str, directory: str) -> None:
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.postgres(dsn), dataset_name="bench", pipelines_dir=directory
    )
    resource = dlt.resource(
        customers(url), name="customers", primary_key="id", write_disposition="merge", max_table_nesting=0
    )
    pipeline.run(resource).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
