"""Transactions to events, on samples in Monzo's wire format."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from integrations.http.errors import RecordError
from integrations.providers.monzo.mapping import values
from integrations.providers.monzo.mapping.accounts import (
    account_balance,
    account_object,
    pot_balance,
    pot_object,
)
from integrations.providers.monzo.mapping.actions import action
from integrations.providers.monzo.mapping.transactions import Surroundings, transaction_event
from integrations.sync.activity.drafts import EventDraft, Measure

SAMPLES = Path(__file__).parents[3] / "fixtures" / "monzo"
AROUND = Surroundings(
    account_types={"acc_0000AfT2kWq9PzLm3VbN7d": "uk_retail"},
    pot_names={"pot_0000Ad6NvRk3XyPq1LgS7z": "Savings"},
)


def samples() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads((SAMPLES / "transactions.json").read_bytes())["transactions"]
    return found


def mapped(index: int, **changes: Any) -> EventDraft:
    return transaction_event({**samples()[index], **changes}, AROUND)


def block(draft: EventDraft, block_type: str) -> Any:
    return next(each for each in draft.blocks if each.block_type == block_type)


def test_a_card_payment() -> None:
    draft = mapped(0)
    assert draft.source_id == "tx_0000Ak3Dq7RzWn1TfGxB9s"
    assert draft.time == datetime(2026, 3, 2, 8, 41, 17, 305_000, UTC)
    assert (draft.domain, draft.action, draft.unit) == ("money", "card_payment_to", "GBP")
    assert draft.measure == Measure(-485, 100)
    assert (draft.actor.title, draft.actor.external_id) == ("Current Account", "acc_0000AfT2kWq9PzLm3VbN7d")
    assert (draft.target.title, draft.target.external_id) == (
        "Larkspur & Co. Café",
        "grp_0000A1xKq4ZtHnP3sWdJ9f",
    )
    assert draft.metadata["status"] == "settled"
    assert draft.metadata["merchant_id"] == "merch_0000A1xKq4ZtRgB6cYvH2m"
    assert block(draft, "merchant").metadata["address"] == "14 Weaver Lane, Leeds LS2 7QZ"
    assert [each.block_type for each in draft.blocks] == ["merchant"]


def test_a_round_up_goes_to_its_pot() -> None:
    draft = mapped(1)
    assert draft.action == "pot_transfer_to"
    assert (draft.target.type, draft.target.external_id, draft.target.title) == (
        "monzo_pot",
        "pot_0000Ad6NvRk3XyPq1LgS7z",
        "Savings",
    )
    assert block(draft, "pot").metadata["direction"] == "to"


def test_a_pot_is_known_by_its_id_in_the_description() -> None:
    assert mapped(1, metadata={}).target.title == "Savings"


def test_a_payment_abroad_that_is_not_settled() -> None:
    draft = mapped(2)
    assert draft.metadata["status"] == "pending"
    assert draft.metadata["settled"] is None
    exchange = block(draft, "foreign_exchange")
    assert (exchange.measure, exchange.unit) == (Measure(-31900, 100), "NOK")
    assert exchange.metadata["rate"] == "13.767803"


@pytest.mark.parametrize(
    ("currency", "amount", "measure", "rate"),
    [("JPY", -4400, Measure(-4400, 1), "189.900734"), ("KWD", -9100, Measure(-9100, 1000), "0.392749")],
)
def test_currencies_have_exponents_of_their_own(
    currency: str, amount: int, measure: Measure, rate: str
) -> None:
    exchange = block(mapped(2, local_currency=currency, local_amount=amount), "foreign_exchange")
    assert exchange.measure == measure
    assert exchange.metadata["rate"] == rate


def test_an_account_in_another_currency_has_its_multiplier() -> None:
    draft = mapped(0, currency="JPY", local_currency="JPY")
    assert (draft.measure, draft.unit) == (Measure(-485, 1), "JPY")


def test_a_declined_payment() -> None:
    draft = mapped(3)
    assert draft.action == "declined_payment_to"
    assert (draft.metadata["status"], draft.metadata["decline_reason"]) == ("declined", "INSUFFICIENT_FUNDS")
    assert block(draft, "decline").metadata == {"reason": "INSUFFICIENT_FUNDS"}
    assert draft.target.title == "TFL TRAVEL CH TFL.GOV.UK/CP GBR"


def test_a_transfer_shows_the_end_of_the_account_number_only() -> None:
    draft = mapped(4)
    assert draft.action == "bank_transfer_from"
    assert draft.target.title == "Siân O'Rourke-Ng"
    transfer = block(draft, "bank_transfer")
    assert transfer.metadata == {
        "name": "Siân O'Rourke-Ng",
        "sort_code": "040004",
        "account_number": "****2398",
    }
    assert "00012398" not in str(draft)


def test_a_refund_whose_merchant_is_an_id_only() -> None:
    draft = mapped(5)
    assert draft.action == "card_refund_from"
    assert draft.target.external_id == "merch_0000A1xKq4ZtRgB6cYvH2m"
    assert draft.target.stub
    assert draft.blocks == ()


def test_the_smallest_documented_shape() -> None:
    minimal = orjson.loads((SAMPLES / "webhooks.json").read_bytes())[2]["data"]
    draft = transaction_event(minimal, Surroundings(unverified=True))
    assert draft.action == "other_debit_to"
    assert draft.target.title == "Tollgate Bakery"
    assert draft.metadata["unverified"] is True


@pytest.mark.parametrize(
    ("scheme", "amount", "extra", "expected"),
    [
        ("mastercard", -1, {}, "card_payment_to"),
        ("gps_mastercard", 1, {}, "card_refund_from"),
        ("mastercard", 1, {"is_load": True}, "other_credit_from"),
        ("uk_retail_pot", 0, {}, "pot_withdrawal_from"),
        ("account_interest", -1, {}, "interest_repaid"),
        ("account_interest", 1, {}, "interest_earned"),
        ("monzo_flex", -1, {}, "monzo_flex_payment"),
        ("monzo_flex", 1, {}, "monzo_flex_loan"),
        ("bacs", -1, {}, "direct_debit_to"),
        ("bacs", 150_001, {}, "direct_credit_from"),
        ("bacs", 150_001, {"counterparty": {"name": "ACME  Ltd"}}, "salary_received_from"),
        ("bacs", 150_000, {"counterparty": {"name": "Acme Ltd"}}, "direct_credit_from"),
        ("p2p_payment", -1, {}, "monzo_me_to"),
        ("p2p_payment", 1, {}, "monzo_me_from"),
        ("payport_faster_payments", -1, {}, "bank_transfer_to"),
        ("monzo_paid", -1, {}, "fee_paid_for"),
        ("monzo_paid", 1, {}, "fee_refunded_for"),
        ("something_new", -1, {}, "other_debit_to"),
        ("", 1, {}, "other_credit_from"),
        ("bacs", 200_000, {"decline_reason": "OTHER"}, "declined_payment_to"),
    ],
)
def test_actions_follow_scheme_and_sign(
    scheme: str, amount: int, extra: dict[str, Any], expected: str
) -> None:
    assert action({"scheme": scheme, **extra}, amount, "Acme Ltd") == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"account_id": None}, "account_id"),
        ({"amount": "485"}, "amount"),
        ({"amount": 4.85}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 2**63}, "amount"),
        ({"currency": "pounds"}, "currency"),
        ({"created": ""}, "created"),
        ({"created": "yesterday"}, "created"),
        ({"created": "2026-13-01T00:00:00Z"}, "created"),
        ({"settled": "soon"}, "settled"),
    ],
)
def test_what_cannot_be_a_transaction_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RecordError) as caught:
        mapped(0, **changes)
    assert caught.value.field == field


@pytest.mark.parametrize("record", [None, [], "tx", 7])
def test_what_is_no_object_at_all_is_refused(record: Any) -> None:
    with pytest.raises(RecordError):
        transaction_event(record, AROUND)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("00Z", 0), ("00.5Z", 500_000), ("00.305Z", 305_000), ("00.123456789Z", 123_456)],
)
def test_times_have_up_to_nine_decimals(text: str, microseconds: int) -> None:
    assert values.moment({"created": f"2026-03-02T08:41:{text}"}, "created").microsecond == microseconds


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 1, 15), datetime(2026, 1, 15, 23, 59, 59, 999_999, UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, 59, 59, 999_999, UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, 59, 59, 999_999, UTC)),
    ],
)
def test_days_end_in_london(day: date, end: datetime) -> None:
    assert values.end_of_day(day) == end
    assert values.local_day(end) == day


@pytest.mark.parametrize(
    ("kind", "title", "sort"),
    [
        ("uk_retail", "Current Account", "current_account"),
        ("uk_retail_joint", "Joint Account", "current_account"),
        ("uk_monzo_flex", "Monzo Flex", "credit_card"),
        ("uk_prepaid", "Monzo OG", "current_account"),
        ("uk_reward_account", "Monzo Rewards", "savings_account"),
        ("uk_loan", "Monzo Account", "other"),
        ("something_new", "Monzo Account", "other"),
    ],
)
def test_accounts_by_their_type(kind: str, title: str, sort: str) -> None:
    draft = account_object({"id": "acc_1", "type": kind, "currency": "GBP"})
    assert (draft.title, draft.metadata["account_type"], draft.external_id) == (title, sort, "acc_1")


def test_an_archived_pot_is_the_same_row() -> None:
    pot = {"id": "pot_1", "name": "Savings", "balance": 100, "currency": "GBP"}
    archived = pot_object({**pot, "deleted": True})
    assert (pot_object(pot).type, archived.type) == ("monzo_pot", "monzo_archived_pot")
    assert archived.key_type == pot_object(pot).key_type
    draft = pot_balance(pot, date(2026, 3, 2))
    assert (draft.source_id, draft.measure) == ("monzo_pot_balance_pot_1_2026-03-02", Measure(100, 100))


@pytest.mark.parametrize(("before", "change"), [(None, None), (-300, None), (-500, 200), (100, -400)])
def test_a_balance_keeps_its_sign_and_says_how_it_changed(before: int | None, change: int | None) -> None:
    item = {
        "account_id": "acc_1",
        "account_type": "uk_retail",
        "balance": {"balance": -300, "total_balance": 0, "currency": "GBP", "spend_today": -120},
    }
    draft = account_balance(item, date(2026, 3, 2), before)
    assert draft.measure == Measure(-300, 100)
    assert block(draft, "spend_today").measure == Measure(-120, 100)
    changes = [each for each in draft.blocks if each.block_type == "balance_change"]
    assert [each.measure.value for each in changes] == ([] if change is None else [change])
    if change:
        assert changes[0].metadata["direction"] == ("Up" if change > 0 else "Down")
