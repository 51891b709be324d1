"""The calls of Monzo's API that the simulator answers, in its wire format."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from integrations.providers.monzo.sandbox.bank import READABLE, REFUSING, Bank, Record
from integrations.providers.monzo.sandbox.tokens import Grant, Refused
from integrations.sandbox import SandboxRequest, SandboxResponse

DEFAULT_PAGE, LARGEST_PAGE = 30, 100
WALL = timedelta(days=90)
LONGEST_RANGE = timedelta(days=365)


class Api:
    """Answers who is known. Guarded by the sandbox's lock."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def answer(self, request: SandboxRequest, grant: Grant) -> Any:
        """The document for a data call. Raises Refused."""
        if grant.approved_at is None:
            raise Refused(
                403, "forbidden.insufficient_permissions", "Access forbidden due to insufficient permissions"
            )
        name, _, rest = request.path.strip("/").partition("/")
        route: Callable[[SandboxRequest, Grant, str], Any] | None = {
            ("GET", "accounts"): self._accounts,
            ("GET", "balance"): self._balance,
            ("GET", "pots"): self._pots,
            ("GET", "transactions"): self._transactions,
            ("GET", "webhooks"): self._webhooks,
            ("POST", "webhooks"): self._register,
            ("DELETE", "webhooks"): self._delete,
        }.get((request.method, name))
        if route is None:
            known = name in ("accounts", "balance", "pots", "transactions", "webhooks")
            status, code = (405, "method_not_allowed") if known else (404, "not_found")
            raise Refused(status, code, "Not found" if status == 404 else "Method not allowed")
        return route(request, grant, rest)

    def _accounts(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        kind = request.parameter("account_type")
        found = self._bank.accounts_of(grant.user_id)
        return {"accounts": [account for account in found if not kind or account["type"] == kind]}

    def _balance(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        return self._bank.balances[self._account(request, grant)["id"]]

    def _pots(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        account = self._account(request, grant, "current_account_id")
        return {
            "pots": [pot for pot in self._bank.pots.values() if pot["current_account_id"] == account["id"]]
        }

    def _transactions(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        expand = "merchant" in request.query.get("expand[]", ())
        if rest:
            found = self._bank.transactions.get(rest)
            owned = {account["id"] for account in self._bank.accounts_of(grant.user_id)}
            if found is None or found["account_id"] not in owned:
                raise Refused(404, "not_found.transaction_not_found", "Transaction not found")
            return {"transaction": self._bank.shown(found, expand=expand)}
        account = self._account(request, grant)
        if account["type"] in REFUSING or account["id"] in self._bank.refused:
            raise Refused(
                403, "forbidden.insufficient_permissions", "Access forbidden due to insufficient permissions"
            )
        if account["type"] not in READABLE:
            return {"transactions": []}
        page = self._page(request, grant, account["id"])
        return {"transactions": [self._bank.shown(each, expand=expand) for each in page]}

    def _page(self, request: SandboxRequest, grant: Grant, account_id: str) -> list[Record]:
        now = self._bank.clock.now()
        rows = self._bank.transactions_of(account_id)
        before = _time(request, "before") or now
        since = request.parameter("since")
        start = datetime.min.replace(tzinfo=UTC)
        if since.startswith("tx_"):
            position = next((n for n, row in enumerate(rows) if row["id"] == since), None)
            if position is None:
                raise Refused(400, "bad_request.invalid_since", "since is no transaction of this account")
            start = datetime.fromisoformat(rows[position]["created"])
            rows = rows[position + 1 :]
        elif since:
            start = _time(request, "since") or start
        elif not grant.history_is_open(now):
            start = now - WALL + timedelta(days=1)
        if start > datetime.min.replace(tzinfo=UTC) and before - start > LONGEST_RANGE:
            raise Refused(
                400, "bad_request.invalid_time_range", "The time range may not be longer than 365 days"
            )
        if not grant.history_is_open(now) and start <= now - WALL:
            raise Refused(403, "forbidden.verification_required", "Verification required")
        kept = [row for row in rows if start <= datetime.fromisoformat(row["created"]) < before]
        return kept[: _limit(request)]

    def _webhooks(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        account = self._account(request, grant)
        return {
            "webhooks": [hook for hook in self._bank.webhooks.values() if hook["account_id"] == account["id"]]
        }

    def _register(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        form = form_of(request)
        self._owned(form.get("account_id", ""), grant)
        if not form.get("url", "").startswith(("http://", "https://")):
            raise Refused(400, "bad_request.missing_param.url", "url is missing or no address")
        hook = {
            "id": f"webhook_{secrets.token_hex(10)}",
            "account_id": form["account_id"],
            "url": form["url"],
        }
        self._bank.webhooks[hook["id"]] = hook
        return {"webhook": hook}

    def _delete(self, request: SandboxRequest, grant: Grant, rest: str) -> Any:
        if self._bank.webhooks.pop(rest, None) is None:
            raise Refused(404, "not_found.webhook_not_found", "Webhook not found")
        return {}

    def _account(self, request: SandboxRequest, grant: Grant, name: str = "account_id") -> Record:
        account_id = request.parameter(name)
        if not account_id:
            raise Refused(400, f"bad_request.missing_param.{name}", f"{name} is missing")
        return self._owned(account_id, grant)

    def _owned(self, account_id: str, grant: Grant) -> Record:
        for account in self._bank.accounts_of(grant.user_id):
            if account["id"] == account_id:
                return account
        raise Refused(404, "not_found.account_not_found", "Account not found")


def refusal(error: Refused) -> SandboxResponse:
    """An error as Monzo sends it."""
    document = {"code": error.code, "message": error.message}
    if error.status == 401:
        document |= {"error": error.error or "invalid_token", "error_description": error.message}
    return SandboxResponse.json(document, error.status)


def form_of(request: SandboxRequest) -> Mapping[str, str]:
    """The fields of a form body."""
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _time(request: SandboxRequest, name: str) -> datetime | None:
    text = request.parameter(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise Refused(400, f"bad_request.bad_param.{name}", f"{name} is no RFC 3339 time")
    return found


def _limit(request: SandboxRequest) -> int:
    text = request.parameter("limit", str(DEFAULT_PAGE))
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise Refused(400, "bad_request.bad_param.limit", f"limit is a number from 1 to {LARGEST_PAGE}")
    return int(text)
