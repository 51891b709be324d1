"""The pages on which people consent: who they are, and whether they allow it."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from integrations.providers.monzo.sandbox.api import form_of
from integrations.providers.monzo.sandbox.generator import OTHER_OWNER, OWNER
from integrations.providers.monzo.sandbox.tokens import CLIENT_ID, Tokens
from integrations.sandbox import SandboxRequest, SandboxResponse

PEOPLE = {OWNER: "Robin Example", OTHER_OWNER: "Kim Example"}
_CHECKED = " checked"
ASKED = ("client_id", "redirect_uri", "state")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Monzo (sandbox)</title>
<style>body{{font:16px system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem;color:#14233c}}
button{{font:inherit;padding:.6rem 1.2rem;margin-right:.5rem;border-radius:.5rem;border:1px solid #14233c}}
label{{display:block;margin:.5rem 0}}</style></head><body><h1>Monzo (sandbox)</h1>{body}</body></html>"""
_FORM = """<p><b>{client}</b> would like to read your accounts, balances, pots and transactions.</p>
<form method="post" action="decide">{hidden}{people}
<p><button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></p>
</form>"""


def consent(request: SandboxRequest, tokens: Tokens) -> SandboxResponse:
    """`GET /auth/` shows the page, `POST /auth/decide` sends people back with a code or an error."""
    if request.method == "POST" and request.path.rstrip("/").endswith("/decide"):
        return _decide(request, tokens)
    asked = {name: request.parameter(name) for name in ASKED}
    if request.parameter("response_type") != "code":
        return _page("<p>The request has no response_type=code.</p>", 400)
    if asked["client_id"] != CLIENT_ID:
        return _page("<p>This client is not known.</p>", 400)
    if not asked["redirect_uri"].startswith(("http://", "https://")):
        return _page("<p>The redirect_uri is missing.</p>", 400)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value, quote=True)}">'
        for name, value in asked.items()
    )
    people = "".join(
        f'<label><input type="radio" name="user" value="{user}"{_CHECKED * (user == OWNER)}> {name}</label>'
        for user, name in PEOPLE.items()
    )
    return _page(_FORM.format(client=escape(asked["client_id"]), hidden=hidden, people=people))


def _decide(request: SandboxRequest, tokens: Tokens) -> SandboxResponse:
    form = form_of(request)
    if form.get("client_id") != CLIENT_ID or form.get("user", OWNER) not in PEOPLE:
        return _page("<p>This client or person is not known.</p>", 400)
    redirect = form.get("redirect_uri", "")
    if form.get("decision") == "allow":
        code = tokens.new_code(form.get("user", OWNER), CLIENT_ID, redirect)
        answer = {"code": code, "state": form.get("state", "")}
    else:
        answer = {"error": "access_denied", "state": form.get("state", "")}
    return SandboxResponse(302, {"Location": f"{redirect}?{urlencode(answer)}"})


def _page(body: str, status: int = 200) -> SandboxResponse:
    return SandboxResponse.html(_PAGE.format(body=body), status)
