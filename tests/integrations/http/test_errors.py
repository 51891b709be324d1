import copy
import pickle
from dataclasses import dataclass, field

import pytest
from requests.structures import CaseInsensitiveDict

from integrations.http import errors
from integrations.http.errors import Action, Fault, IntegrationError, from_response
from synclogs.redaction import register_secret

NOW = 1_800_000_000.0


@dataclass
class Reply:
    status: int
    headers: CaseInsensitiveDict = field(default_factory=CaseInsensitiveDict)
    content: bytes = b""
    url: str = "https://api.acme.example/v1/things"


def error_for(status: int, content: bytes = b"", **headers: str) -> IntegrationError:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return from_response(Reply(status, named, content), provider="acme", now=NOW)


@pytest.mark.parametrize(
    ("status", "kind", "code", "action", "fault"),
    [
        (400, errors.BadRequest, "bad_request", Action.STOP, Fault.US),
        (401, errors.Unauthorized, "unauthorized", Action.STOP, Fault.CREDENTIAL),
        (403, errors.Forbidden, "forbidden", Action.STOP, Fault.CREDENTIAL),
        (404, errors.NotFound, "not_found", Action.STOP, Fault.DATA),
        (408, errors.TimedOut, "timeout", Action.RETRY, Fault.VENDOR),
        (409, errors.Conflict, "conflict", Action.STOP, Fault.DATA),
        (410, errors.NotFound, "not_found", Action.STOP, Fault.DATA),
        (422, errors.BadRequest, "bad_request", Action.STOP, Fault.US),
        (425, errors.TimedOut, "timeout", Action.RETRY, Fault.VENDOR),
        (429, errors.RateLimited, "rate_limited", Action.POSTPONE, Fault.VENDOR),
        (500, errors.ServerError, "server_error", Action.RETRY, Fault.VENDOR),
        (503, errors.ServerError, "server_error", Action.RETRY, Fault.VENDOR),
        (599, errors.ServerError, "server_error", Action.RETRY, Fault.VENDOR),
    ],
)
def test_status_decides_kind_action_and_fault(
    status: int, kind: type[IntegrationError], code: str, action: Action, fault: Fault
) -> None:
    error = error_for(status)
    assert type(error) is kind
    assert (error.code, error.action, error.fault) == (code, action, fault)
    assert (error.status, error.provider) == (status, "acme")


@pytest.mark.parametrize(
    ("kind", "code", "action", "fault"),
    [
        (errors.ConnectionFailed, "connection", Action.RETRY, Fault.VENDOR),
        (errors.BadReply, "bad_reply", Action.RETRY, Fault.VENDOR),
        (errors.BodyTooLarge, "body_too_large", Action.STOP, Fault.VENDOR),
        (errors.PrivateAddressRefused, "private_address", Action.STOP, Fault.US),
        (errors.TlsFailed, "tls", Action.STOP, Fault.VENDOR),
        (errors.ProtocolError, "protocol", Action.STOP, Fault.VENDOR),
        (errors.RecordError, "record", Action.SKIP_RECORD, Fault.DATA),
    ],
)
def test_kinds_without_a_status(
    kind: type[IntegrationError], code: str, action: Action, fault: Fault
) -> None:
    error = kind()
    assert (error.code, error.action, error.fault) == (code, action, fault)
    assert error.status is None


def test_every_kind_has_its_own_code_and_tells_the_operator_what_to_do() -> None:
    kinds = [kind for kind in IntegrationError.__subclasses__() if kind.__module__ == errors.__name__]
    assert len({kind.code for kind in kinds}) == len(kinds) == 15
    for kind in kinds:
        assert kind.actionable_message != IntegrationError.actionable_message
        assert kind.actionable_message.endswith(".")


def test_a_redirect_names_the_host_it_leads_to_and_stops() -> None:
    error = error_for(302, location="https://user:pw@other.example/login?token=abc")
    assert isinstance(error, errors.BadReply)
    assert error.action is Action.STOP
    assert "other.example" in str(error)
    assert "other.example" in error.actionable_message
    assert "pw" not in str(error)
    assert "abc" not in str(error)


@pytest.mark.parametrize(
    ("location", "named"),
    [("/login", "same host"), ("http://[broken", "unreadable address"), ("", "same host")],
)
def test_a_redirect_without_a_readable_host_is_still_explained(location: str, named: str) -> None:
    assert named in str(error_for(301, location=location))


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("garbage", None), ("99999", 3600.0)])
def test_retry_after_is_carried_in_seconds(value: str, seconds: float | None) -> None:
    assert error_for(429, retry_after=value).retry_after == seconds
    assert error_for(503, retry_after=value).retry_after == seconds


def test_retry_after_date_counts_from_the_given_clock() -> None:
    assert error_for(503, retry_after="Fri, 15 Jan 2027 08:01:00 GMT").retry_after == 60.0


def test_text_is_one_readable_line() -> None:
    error = errors.BadReply("the reply\n is   no table", provider="acme", status=200)
    assert str(error) == "acme: the reply is no table"


def test_a_bare_error_still_explains_itself() -> None:
    assert str(errors.TimedOut()) == "no complete reply in time"


def test_text_and_excerpt_hold_no_secrets() -> None:
    register_secret("s3cret-in-errors")
    body = b'{"error": "bad", "access_token": "tok-in-body", "note": "s3cret-in-errors"}'
    error = from_response(Reply(400, content=body, url="https://u:pw-in-url@h.example/x?api_key=key-in-url"))
    other = errors.ProtocolError("login of s3cret-in-errors with password=pw-in-message failed")
    shown = f"{error} {error!r} {error.excerpt} {error.args} {other} {other!r}"
    for secret in ("s3cret-in-errors", "tok-in-body", "pw-in-url", "key-in-url", "pw-in-message"):
        assert secret not in shown
    assert '"error": "bad"' in error.excerpt


def test_excerpt_has_at_most_500_characters() -> None:
    assert len(error_for(500, b"<html>" + b"x" * 5000).excerpt) == 500


def test_arguments_override_the_defaults_of_a_kind() -> None:
    error = errors.ProtocolError(
        "busy", action=Action.RETRY, fault=Fault.DATA, retry_after=3.0, actionable_message="Wait."
    )
    assert (error.action, error.fault, error.retry_after) == (Action.RETRY, Fault.DATA, 3.0)
    assert error.actionable_message == "Wait."
    assert errors.ProtocolError.action is Action.STOP


def test_a_record_error_names_the_field() -> None:
    error = errors.RecordError("not a date", field="JOBDATE", provider="acme", excerpt="{'JOBDATE': 'x'}")
    assert (error.field, error.action) == ("JOBDATE", Action.SKIP_RECORD)


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_survive_copying_between_processes(duplicate: object) -> None:
    error = errors.RateLimited("slow down", provider="acme", status=429, retry_after=5.0)
    twin = duplicate(error)  # type: ignore[operator]
    assert (str(twin), twin.status, twin.retry_after) == (str(error), 429, 5.0)
