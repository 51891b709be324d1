"""A vendor with a numbered list and a feed of customers, and the stream that mirrors them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
from django.db import models

from integrations.http.paginators import NumberedPage, PageWalk, TokenPage, numbered_pages, token_pages
from integrations.http.session import ApiSession
from integrations.http.slices import EnvelopeReader
from integrations.models import Mirrored
from integrations.sandbox import ProviderSandbox, SandboxRequest, SandboxResponse
from integrations.sync.bulk_stream import BulkStream, Start

PAGE = 5


class ShopCustomer(Mirrored):
    """A table of no installed app, made by the tests; its `last_run_id` is no foreign key, therefore."""

    objects: ClassVar[models.Manager[ShopCustomer]] = models.Manager()

    shop_id = models.IntegerField()
    external_id = models.BigIntegerField()
    name = models.CharField(max_length=20)
    balance = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    address = models.JSONField(null=True)
    visits = models.IntegerField(default=0)
    modified_on = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    remark = models.CharField(max_length=20, default="none")
    last_run = None
    last_run_id = models.UUIDField(null=True)

    class Meta:
        app_label = "tests_shop"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("shop_id", "external_id"), name="shop_key"),
            models.CheckConstraint(condition=~models.Q(visits=13), name="shop_visits"),
        ]


class CustomerRecord(msgspec.Struct, rename="camel"):
    """What is read out of a customer."""

    external_id: int = msgspec.field(name="id")
    name: str
    balance: Decimal | None = None
    address: msgspec.Raw = msgspec.Raw(b"null")
    visits: int = 0
    modified_on: datetime | None = None


class ListReply(msgspec.Struct, rename="camel"):
    """A page of the list."""

    has_more: bool
    data: list[msgspec.Raw]
    total_count: int | None = None


class FeedReply(msgspec.Struct, rename="camel"):
    """A page of the feed."""

    has_more: bool
    continue_from: str | None
    data: list[msgspec.Raw]


read_list = EnvelopeReader(ListReply)
read_feed = EnvelopeReader(FeedReply)


class Customers(BulkStream):
    """The whole list, page by page."""

    name = "customers"
    model = ShopCustomer
    record = CustomerRecord
    key = "external_id"
    columns = ("name", "balance", "address", "visits", "modified_on")
    modified = "modified_on"
    restored_by_clearing: ClassVar[str | None] = "removed_at"
    lists_everything = True
    batch_size = 10

    def __init__(self, session: ApiSession, shop: int = 1, **options: Any) -> None:
        super().__init__(shop_id=shop)
        self._session = session
        self._options = options

    def pages(self, start: Start) -> PageWalk:
        def fetch(number: int) -> NumberedPage:
            params: dict[str, Any] = {"page": number, "total": 1}
            if start.window:
                params["since"] = start.window.since.isoformat()
            reply = self._session.request("GET", "/customers", params=params, parse=read_list)
            total = reply.total_count
            pages = None if total is None else -(-total // PAGE)
            return NumberedPage(reply.data, reply.has_more, pages)

        return numbered_pages(
            fetch, first=start.state.get("page", 1), deadline=start.deadline, **self._options
        )


class FedCustomers(Customers):
    """The same from the feed: only what changed since the last pull."""

    lists_everything = False

    def pages(self, start: Start) -> PageWalk:
        def fetch(token: str | None) -> TokenPage:
            params = {} if token is None else {"from": token}
            reply = self._session.request("GET", "/feed", params=params, parse=read_feed)
            return TokenPage(reply.data, reply.has_more, reply.continue_from)

        return token_pages(fetch, start.state.get("continue_from"), deadline=start.deadline)


def customer(number: int, **fields: Any) -> dict[str, Any]:
    """A customer as the shop sends it."""
    modified = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "id": number,
        "name": f"Customer {number}",
        "balance": number + 0.5,
        "address": {"city": "Glendale", "zip": "91203"},
        "modifiedOn": modified.isoformat(),
        **fields,
    }


class ShopSandbox(ProviderSandbox):
    """Serves `customers`, a list of dicts or of ready-made JSON texts, in that order."""

    slug = "shop"

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.customers: list[dict[str, Any] | str] = []
        self.tell_total = True
        self.encoding = "utf-8"

    def seed(self, **options: Any) -> dict[str, Any]:
        self.customers = [customer(n) for n in range(1, options.get("customers", 12) + 1)]
        return self.state()

    def state(self) -> dict[str, Any]:
        return {"customers": len(self.customers)}

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        return {name: request.parameter(name) for name in request.query}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/feed":
            begin = int(request.parameter("from", "0"))
        else:
            begin = (int(request.parameter("page", "1")) - 1) * PAGE
        found = self.customers
        if since := request.parameter("since"):
            found = [one for one in found if isinstance(one, dict) and one["modifiedOn"] >= since]
        some = found[begin : begin + PAGE]
        data = ", ".join(one if isinstance(one, str) else json.dumps(one) for one in some)
        more = json.dumps(begin + PAGE < len(found))
        total = f', "totalCount": {len(found)}' if self.tell_total else ""
        token = f', "continueFrom": "{begin + len(some)}"' if request.path == "/feed" else ""
        body = f'{{"hasMore": {more}{total}{token}, "data": [{data}]}}'
        return SandboxResponse(200, {"Content-Type": "application/json"}, body.encode(self.encoding))
