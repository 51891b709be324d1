"""What a transaction does, by its scheme and the sign of its amount: docs/monzo.md, "Actions"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.providers.monzo.mapping.values import mapping, text

DECLINED = "declined_payment_to"
SALARY = "salary_received_from"
SALARY_ABOVE = 150_000
CARDS = ("mastercard", "gps_mastercard")

# scheme -> (action where the amount is negative, action where it is not)
BY_SCHEME = {
    "mastercard": ("card_payment_to", "card_refund_from"),
    "gps_mastercard": ("card_payment_to", "card_refund_from"),
    "uk_retail_pot": ("pot_transfer_to", "pot_withdrawal_from"),
    "account_interest": ("interest_repaid", "interest_earned"),
    "monzo_flex": ("monzo_flex_payment", "monzo_flex_loan"),
    "bacs": ("direct_debit_to", "direct_credit_from"),
    "p2p_payment": ("monzo_me_to", "monzo_me_from"),
    "payport_faster_payments": ("bank_transfer_to", "bank_transfer_from"),
    "monzo_paid": ("fee_paid_for", "fee_refunded_for"),
}
OTHER = ("other_debit_to", "other_credit_from")


def action(transaction: Mapping[str, Any], amount: int, salary_name: str = "") -> str:
    """The action of a transaction; the first rule that fits. `salary_name` is who pays the salary."""
    scheme = text(transaction, "scheme")
    if transaction.get("decline_reason"):
        return DECLINED
    if scheme == "bacs" and amount > SALARY_ABOVE and _is_paid_by(transaction, salary_name):
        return SALARY
    debit, credit = BY_SCHEME.get(scheme, OTHER)
    if scheme in CARDS and transaction.get("is_load") is True:
        credit = OTHER[1]
    return debit if amount < 0 else credit


def _is_paid_by(transaction: Mapping[str, Any], name: str) -> bool:
    payer = text(mapping(transaction, "counterparty"), "name") or text(transaction, "description")
    return bool(name.strip()) and payer.casefold() == " ".join(name.split()).casefold()
