"""The customers as streams: the numbered list and the feed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from benchmarks.streams.customers.models import BenchCustomer
from integrations.http.paginators import NumberedPage, PageWalk, TokenPage, numbered_pages, token_pages
from integrations.http.session import ApiSession
from integrations.http.slices import EnvelopeReader
from integrations.sync.bulk_stream import BulkStream, Start

PAGE = 1000
NOTHING = msgspec.Raw(b"null")


class Address(msgspec.Struct):
    """The part of an address that has columns of its own."""

    street: str = ""
    city: str = ""


class CustomerRecord(msgspec.Struct, rename="camel"):
    """A customer as the vendor documents it."""

    external_id: int = msgspec.field(name="id")
    active: bool
    name: str
    type: str
    balance: Decimal | None
    tax_exempt: bool
    do_not_mail: bool
    do_not_service: bool
    national_account: bool
    created_on: datetime | None
    created_by_id: int | None
    source_modified_on: datetime | None = msgspec.field(name="modifiedOn")
    address: msgspec.Raw = NOTHING
    custom_fields: msgspec.Raw = NOTHING
    tag_type_ids: msgspec.Raw = NOTHING
    merged_to_id: int | None = None
    payment_term_id: int | None = None
    credit_limit: Decimal | None = None
    credit_limit_balance: Decimal | None = None
    external_data: msgspec.Raw = NOTHING


class ListReply(msgspec.Struct, rename="camel"):
    """A page of the list."""

    has_more: bool
    data: list[msgspec.Raw]
    total_count: int | None = None


class FeedReply(msgspec.Struct, rename="camel"):
    """A page of the feed."""

    has_more: bool
    continue_from: str
    data: list[msgspec.Raw]


read_list, read_feed = EnvelopeReader(ListReply), EnvelopeReader(FeedReply)
read_address = msgspec.json.Decoder(Address).decode
OWN_COLUMNS = (
    "active", "name", "type", "balance", "tax_exempt", "do_not_mail", "do_not_service", "national_account",
    "created_on", "created_by_id", "source_modified_on", "address", "custom_fields", "tag_type_ids",
    "merged_to_id", "payment_term_id", "credit_limit", "credit_limit_balance", "external_data",
)  # fmt: skip
attributes: Any = attrgetter(*OWN_COLUMNS)


class Customers(BulkStream):
    """The numbered list."""

    name = "customers"
    model = BenchCustomer
    record = CustomerRecord
    key = "external_id"
    columns = (*OWN_COLUMNS, "street", "city")
    modified = "source_modified_on"

    def __init__(self, session: ApiSession, *, in_flight: int = 4) -> None:
        super().__init__(credential_id=1)
        self._session = session
        self._in_flight = in_flight

    def row(self, record: CustomerRecord) -> list[object]:
        """The attributes, with street and city taken out of the address."""
        address = read_address(record.address)
        return [*attributes(record), address.street, address.city]

    def pages(self, start: Start) -> PageWalk:
        """All pages of the list; the first reply says how many there are."""

        def fetch(number: int) -> NumberedPage:
            params = {"page": number, "pageSize": PAGE, "includeTotal": "true"}
            reply = self._session.request("GET", "/crm/v2/tenant/1/customers", params=params, parse=read_list)
            total = reply.total_count
            return NumberedPage(reply.data, reply.has_more, None if total is None else -(-total // PAGE))

        first = start.state.get("page", 1)
        return numbered_pages(fetch, first=first, in_flight=self._in_flight, deadline=start.deadline)


class FedCustomers(Customers):
    """The export feed, from its beginning each time."""

    def pages(self, start: Start) -> PageWalk:
        """All pages of the feed, one ahead."""

        def fetch(token: str | None) -> TokenPage:
            params = {} if token is None else {"from": token}
            path = "/crm/v2/tenant/1/export/customers"
            reply = self._session.request("GET", path, params=params, parse=read_feed)
            return TokenPage(reply.data, reply.has_more, reply.continue_from)

        return token_pages(fetch, start.state.get("continue_from") if not start.full else None)
