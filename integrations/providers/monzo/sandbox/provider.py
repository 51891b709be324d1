"""The simulated bank as the sandbox server knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from integrations.providers.monzo.sandbox.api import Api, form_of, refusal
from integrations.providers.monzo.sandbox.bank import Bank
from integrations.providers.monzo.sandbox.clock import Clock
from integrations.providers.monzo.sandbox.consent import consent
from integrations.providers.monzo.sandbox.generator import OWNER, Generator
from integrations.providers.monzo.sandbox.sender import Sender
from integrations.providers.monzo.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, Grant, Refused, Tokens
from integrations.sandbox import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse

SEED = {"seed": 7, "months": 14, "per_month": 40}
KINDS = ("card", "pot", "transfer", "abroad", "declined", "refund", "debit")


class MonzoSandbox(ProviderSandbox):
    """Monzo with its consent pages, approvals, the 90-day wall, paging and webhooks."""

    slug = "monzo"
    seed_options: ClassVar[Mapping[str, str]] = {
        "seed": "the same seed gives the same data",
        "months": "how far transactions go back",
        "per_month": "how many an account has a month",
    }
    control_paths: ClassVar[Mapping[str, str]] = {
        "POST approve": 'people approve what waits in their app; {"always": true} from now on at once',
        "POST clock": '{"advance_seconds": 86400}',
        "POST expire": "end every access token; refresh tokens go on working",
        "POST revoke": "end every token and refresh token",
        "POST transaction": '{"account_id", "kind", "changes", "send"}: make one now, and send it',
        "POST load": '{"transactions": [...]}: hold these too',
        "POST settle": '{"ids": [...], "change": -8}: settle pending ones, their amount changed',
        "POST remove": '{"ids": [...]}: reversed holds, which are not shown any more',
        "POST refuse": '{"account_ids": [...]}: their transactions are answered with 403',
        "POST balance": '{"account_id", "balance"}',
        "POST send": '{"id", "type"}: send a webhook about this transaction',
        "GET deliveries": "every attempt to send a webhook",
    }

    def __init__(self) -> None:
        super().__init__()
        self.sender = Sender()
        self.reset()

    def reset(self) -> None:
        """An empty bank, nobody logged in, this machine's time."""
        with self.lock:
            self.sender.stop()
            self.sender = Sender()
            self.clock = Clock()
            self.bank = Bank(self.clock)
            self.tokens = Tokens(self.clock)
            self._generator = Generator(self.bank, 1, 0, 0)

    def seed(self, **options: Any) -> dict[str, Any]:
        """Two people with accounts of every kind. Raises SandboxError for options that make no sense."""
        chosen = {**SEED, **options}
        if not all(isinstance(value, int) and 0 <= value <= 100_000 for value in chosen.values()):
            raise SandboxError("seed, months and per_month are whole numbers from 0 on.")
        with self.lock:
            self.bank = Bank(self.clock)
            self._generator = Generator(self.bank, **chosen)
            self._generator.fill()
            self.tokens.let_in(OWNER)
            return self.state()

    def state(self) -> dict[str, Any]:
        """What it holds, by account."""
        with self.lock:
            rows = list(self.bank.transactions.values())
            return {
                "now": self.clock.now().isoformat(),
                "accounts": {
                    account_id: {
                        "type": account["type"],
                        "transactions": sum(row["account_id"] == account_id for row in rows),
                    }
                    for account_id, account in self.bank.accounts.items()
                },
                "pots": len(self.bank.pots),
                "pending": sum(not row["settled"] and "decline_reason" not in row for row in rows),
                "webhooks": len(self.bank.webhooks),
                "grants": len(self.tokens.grants),
            }

    def environment(self, url: str) -> dict[str, str]:
        """Both hosts are this one."""
        return {"MONZO_API_BASE": url, "MONZO_AUTH_BASE": f"{url}/auth"}

    def auth_state(self, request: SandboxRequest) -> str:
        """Whether the bearer token is one."""
        header = request.header("authorization")
        if request.path.startswith(("/auth", "/oauth2/token")):
            return "none"
        if not header:
            return "missing"
        with self.lock:
            try:
                self._grant(request)
            except Refused:
                return "invalid"
        return "valid"

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Which account a call is about, and from where it reads."""
        names = ("account_id", "current_account_id", "since", "before", "limit")
        return {name: request.parameter(name) for name in names if request.parameter(name)}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer a call of the API or show a consent page."""
        with self.lock:
            if request.path.startswith("/auth"):
                return consent(request, self.tokens)
            try:
                return SandboxResponse.json(self._answer(request))
            except Refused as error:
                return refusal(error)

    def _answer(self, request: SandboxRequest) -> Any:
        if request.path == "/oauth2/token" and request.method == "POST":
            return self._token(request)
        grant = self._grant(request)
        if request.path == "/ping/whoami":
            return {"authenticated": True, "client_id": grant.client_id, "user_id": grant.user_id}
        if request.path == "/oauth2/logout" and request.method == "POST":
            self.tokens.logout(grant)
            return {}
        return Api(self.bank).answer(request, grant)

    def _token(self, request: SandboxRequest) -> dict[str, Any]:
        form = form_of(request)
        if request.header("authorization"):
            raise Refused(401, "unauthorized.bad_access_token", "Send no Authorization header here")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Refused(401, "unauthorized.bad_client", "Bad client", error="invalid_client")
        if form.get("grant_type") == "authorization_code":
            grant = self.tokens.exchange(form.get("code", ""), CLIENT_ID, form.get("redirect_uri", ""))
        elif form.get("grant_type") == "refresh_token":
            grant = self.tokens.refresh(form.get("refresh_token", ""), CLIENT_ID)
        else:
            raise Refused(400, "bad_request.bad_param.grant_type", "Bad grant type")
        return {
            "access_token": grant.access_token,
            "client_id": grant.client_id,
            "expires_in": self.tokens.lifetime,
            "refresh_token": grant.refresh_token,
            "token_type": "Bearer",
            "user_id": grant.user_id,
        }

    def _grant(self, request: SandboxRequest) -> Grant:
        return self.tokens.grant_of(request.header("authorization").removeprefix("Bearer "))

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer the calls of `control_paths`."""
        name = request.path.strip("/")
        if f"{request.method} {name}" not in self.control_paths:
            return None
        document = request.json_object()
        with self.lock:
            return SandboxResponse.json(self._control(name, document))

    def _control(self, name: str, document: dict[str, Any]) -> Any:
        match name:
            case "approve":
                self.tokens.approves = bool(document.get("always", self.tokens.approves))
                return {"approved": self.tokens.approve()}
            case "clock":
                self.clock.advance(float(document.get("advance_seconds", 0)))
                return {"now": self.clock.now().isoformat()}
            case "expire":
                self.tokens.expire()
                return {"grants": len(self.tokens.grants)}
            case "revoke":
                self.tokens.grants.clear()
                return {"grants": 0}
            case "load":
                return {"loaded": self.bank.put(document.get("transactions", []))}
            case "settle":
                return {"settled": self.bank.settle(document.get("ids", ()), int(document.get("change", 0)))}
            case "remove":
                gone = [each for each in document.get("ids", ()) if self.bank.transactions.pop(each, None)]
                return {"removed": gone}
            case "refuse":
                self.bank.refused = set(document.get("account_ids", ()))
                return {"refused": sorted(self.bank.refused)}
            case "balance":
                self.bank.balances[self._known(document)]["balance"] = int(document.get("balance", 0))
                return self.bank.balances[document["account_id"]]
            case "deliveries":
                return {"attempts": list(self.sender.attempts)}
            case "send":
                return {
                    "sent": self._send(
                        str(document.get("id")), str(document.get("type") or "transaction.created")
                    )
                }
            case _:
                return self._make(document)

    def _make(self, document: dict[str, Any]) -> Any:
        kind = str(document.get("kind") or "card")
        if kind not in KINDS:
            raise SandboxError(f"There is no kind {kind!r}.", kinds=list(KINDS))
        made = self._generator.one(self._known(document), kind, **document.get("changes", {}))
        if document.get("send"):
            self._send(made["id"], "transaction.created")
        return made

    def _known(self, document: dict[str, Any]) -> str:
        account_id = str(document.get("account_id") or next(iter(self.bank.accounts), ""))
        if account_id not in self.bank.accounts:
            raise SandboxError(f"There is no account {account_id!r}.", accounts=list(self.bank.accounts))
        document["account_id"] = account_id
        return account_id

    def _send(self, transaction_id: str, kind: str) -> int:
        """Send one transaction to every address of its account; returns how many those are."""
        transaction = self.bank.transactions.get(transaction_id)
        if transaction is None:
            raise SandboxError(f"There is no transaction {transaction_id!r}.", 404)
        hooks = [
            hook for hook in self.bank.webhooks.values() if hook["account_id"] == transaction["account_id"]
        ]
        for hook in hooks:
            self.sender.send(hook["url"], kind, self.bank.shown(transaction, expand=True))
        return len(hooks)
