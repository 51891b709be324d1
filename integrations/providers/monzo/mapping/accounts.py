"""Accounts, pots and days as objects; balances as events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from integrations.http.errors import RecordError
from integrations.providers.monzo.mapping.values import (
    currency_of,
    end_of_day,
    identifier,
    mapping,
    minor_units,
    moment_or_none,
    money,
    text,
)
from integrations.sync.activity.drafts import BlockDraft, EventDraft, Measure, ObjectDraft

DOMAIN = "money"
HAD_BALANCE = "had_balance"
TITLES = {
    "uk_retail": "Current Account",
    "uk_retail_joint": "Joint Account",
    "uk_monzo_flex": "Monzo Flex",
    "uk_prepaid": "Monzo OG",
    "uk_reward_account": "Monzo Rewards",
}
KINDS = {
    "uk_retail": "current_account",
    "uk_retail_joint": "current_account",
    "uk_prepaid": "current_account",
    "uk_monzo_flex": "credit_card",
    "uk_reward_account": "savings_account",
}
POT, ARCHIVED_POT = "monzo_pot", "monzo_archived_pot"


def account_object(account: Mapping[str, Any]) -> ObjectDraft:
    """The account itself. Raises RecordError without an id."""
    kind = text(account, "type")
    return ObjectDraft(
        "account",
        "monzo_account",
        TITLES.get(kind, "Monzo Account"),
        external_id=identifier(account, "account"),
        time=moment_or_none(account, "created"),
        metadata={
            "provider": "monzo",
            "account_type": KINDS.get(kind, "other"),
            "account_id": account["id"],
            "currency": text(account, "currency"),
            "closed": account.get("closed") is True,
            "raw": dict(account),
        },
    )


def account_stub(account_id: str, kind: str = "") -> ObjectDraft:
    """The account as far as somebody else's record tells; it never replaces the real one."""
    return ObjectDraft(
        "account", "monzo_account", TITLES.get(kind, "Monzo Account"), external_id=account_id, stub=True
    )


def day_object(day: date) -> ObjectDraft:
    """A day."""
    return ObjectDraft("day", "day", f"{day:%Y-%m-%d}")


def pot_object(pot: Mapping[str, Any]) -> ObjectDraft:
    """A pot; one that was deleted is archived and stays the same row. Raises RecordError without an id."""
    return ObjectDraft(
        "account",
        ARCHIVED_POT if pot.get("deleted") is True else POT,
        text(pot, "name") or "Pot",
        external_id=identifier(pot, "pot"),
        key_type=POT,
        time=moment_or_none(pot, "created"),
        media_url=text(pot, "cover_image_url"),
        metadata={
            "provider": "monzo",
            "account_type": "savings_account",
            "currency": text(pot, "currency"),
            "account_id": text(pot, "current_account_id"),
            "raw": dict(pot),
        },
    )


def pot_stub(pot_id: str, name: str = "") -> ObjectDraft:
    """A pot of which only its id is known, and maybe its name."""
    return ObjectDraft("account", POT, name or "Pot", external_id=pot_id, key_type=POT, stub=True)


def pot_balance(pot: Mapping[str, Any], day: date) -> EventDraft:
    """What is in a pot at the end of a day. Raises RecordError."""
    currency = currency_of(pot)
    return EventDraft(
        source_id=f"monzo_pot_balance_{identifier(pot, 'pot')}_{day:%Y-%m-%d}",
        time=end_of_day(day),
        domain=DOMAIN,
        action=HAD_BALANCE,
        actor=pot_object(pot),
        target=day_object(day),
        measure=money(pot, "balance", currency),
        unit=currency,
        metadata={"pot_id": pot["id"], "pot_name": text(pot, "name")},
    )


def account_balance(item: Mapping[str, Any], day: date, before: int | None) -> EventDraft:
    """What is in an account at the end of a day.

    `item` is `{"account_id", "account_type", "balance": <the reply>}`; `before` the last balance of an
    earlier day in minor units, None where there is none. Raises RecordError.
    """
    account_id, reply = text(item, "account_id"), mapping(item, "balance")
    if not account_id:
        raise RecordError("a balance without its account", code="missing", field="account_id")
    currency = currency_of(reply)
    balance = money(reply, "balance", currency)
    return EventDraft(
        source_id=balance_id(account_id, day),
        time=end_of_day(day),
        domain=DOMAIN,
        action=HAD_BALANCE,
        actor=account_stub(account_id, text(item, "account_type")),
        target=day_object(day),
        measure=balance,
        unit=currency,
        metadata={
            "account_id": account_id,
            "spend_today": minor_units(reply, "spend_today"),
            "total_balance": reply.get("total_balance"),
        },
        blocks=tuple(_balance_blocks(reply, currency, balance, before)),
    )


def balance_id(account_id: str, day: date) -> str:
    """The source id of an account's balance on a day."""
    return f"monzo_balance_{account_id}_{day:%Y-%m-%d}"


def _balance_blocks(
    reply: Mapping[str, Any], currency: str, balance: Measure, before: int | None
) -> list[BlockDraft]:
    blocks = [
        BlockDraft("spend_today", "Spent today", measure=money(reply, "spend_today", currency), unit=currency)
    ]
    change = (balance.value or 0) - before if before is not None else 0
    if change:
        blocks.append(
            BlockDraft(
                "balance_change",
                "Balance change",
                metadata={"direction": "Up" if change > 0 else "Down", "before": before},
                measure=Measure(change, balance.multiplier),
                unit=currency,
            )
        )
    return blocks
