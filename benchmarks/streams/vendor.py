"""The vendor of the benchmark: customers in ServiceTitan's wire format, made beforehand, served fast.

`python -m benchmarks.streams.vendor ROWS` prints its port. `GET /_set?changed=1&latency_ms=50` chooses what
is served: percent of the customers that differ from the first version, and the wait before each reply.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
FIRST = datetime(2021, 3, 1, tzinfo=UTC)
STREETS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Grove", "Hazel")
CITIES = (("Glendale", "CA", "91203"), ("Mesa", "AZ", "85201"), ("Boise", "ID", "83702"))


def customer(number: int, *, changed: bool = False) -> dict[str, Any]:
    """One made-up customer."""
    dice = random.Random(number)
    city, state, code = CITIES[number % len(CITIES)]
    modified = FIRST + timedelta(minutes=number, microseconds=number % 997 * 1000, days=900 if changed else 0)
    return {
        "id": number,
        "active": number % 17 != 0,
        "name": f"{'Renamed' if changed else 'Customer'} {number} {STREETS[number % 8]}",
        "type": "Residential" if number % 5 else "Commercial",
        "address": {
            "street": f"{number % 9000} {STREETS[number % 7]} Street",
            "unit": None,
            "city": city,
            "state": state,
            "zip": code,
            "country": "USA",
            "latitude": round(dice.uniform(30, 45), 6),
            "longitude": round(dice.uniform(-120, -80), 6),
        },
        "customFields": [{"typeId": 7, "name": "Gate", "value": str(number % 100)}]
        if number % 3 == 0
        else [],
        "balance": dice.randrange(0, 500_000) / 100 + (1 if changed else 0),
        "taxExempt": False,
        "tagTypeIds": [number % 11, 40],
        "doNotMail": number % 13 == 0,
        "doNotService": False,
        "nationalAccount": False,
        "createdOn": f"{(FIRST + timedelta(minutes=number)):%Y-%m-%dT%H:%M:%S}.1234567Z",
        "createdById": number % 50,
        "modifiedOn": f"{modified:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "mergedToId": None,
        "paymentTermId": number % 4 or None,
        "creditLimit": 1000.5,
        "creditLimitBalance": None,
        "externalData": [],
    }


class Vendor:
    """What is served now."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._versions: dict[bool, list[bytes]] = {False: self._texts(changed=False)}
        self._latency = 0.0
        self._pages: list[bytes] = []
        self.requests = 0
        self.choose(0.0, 0.0)

    def choose(self, percent: float, latency_ms: float) -> None:
        """Serve with so many percent changed, spread evenly."""
        self._latency = latency_ms / 1000
        texts = list(self._versions[False])
        step = round(100 / percent) if percent else 0
        if step:
            if True not in self._versions:
                self._versions[True] = self._texts(changed=True)
            texts[::step] = self._versions[True][::step]
        self._pages = [b",".join(texts[at : at + PAGE]) for at in range(0, len(texts), PAGE)]
        self.requests = 0

    async def answer(self, target: str) -> bytes:
        """The body of one reply."""
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/_set":
            self.choose(float(query.get("changed", 0)), float(query.get("latency_ms", 0)))
            return b"{}"
        if url.path == "/_state":
            return json.dumps({"requests": self.requests}).encode()
        self.requests += 1
        if self._latency:
            await asyncio.sleep(self._latency)
        number = int(query.get("from") or query.get("page") or 1)
        more = b"true" if number < len(self._pages) else b"false"
        data = self._pages[number - 1]
        if "export" in url.path:
            head = b'{"hasMore":%s,"continueFrom":"%d","data":[' % (more, min(number + 1, len(self._pages)))
        else:
            total = self._rows
            head = b'{"page":%d,"pageSize":%d,"hasMore":%s,"totalCount":%d,"data":[' % (
                number,
                PAGE,
                more,
                total,
            )
        return head + data + b"]}"

    def _texts(self, *, changed: bool) -> list[bytes]:
        return [
            json.dumps(customer(number, changed=changed), separators=(",", ":")).encode()
            for number in range(1, self._rows + 1)
        ]


async def _serve(rows: int) -> None:
    vendor = Vendor(rows)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await vendor.answer(head.split(b" ", 2)[1].decode())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
