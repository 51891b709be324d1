import datetime
import json
import logging
import random
import string
import threading
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from synclogs.redaction import (
    REDACTED,
    RedactingFilter,
    excerpt,
    is_sensitive_name,
    known,
    redact_text,
    redact_url,
    redact_value,
    register_secret,
)

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def _forget_registered_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_registered", known._registered.copy())
    monkeypatch.setattr(known, "_longest_first", known._longest_first)


# names


@pytest.mark.parametrize(
    "name",
    [
        "password", "user_password", "userPassword", "PASSWORD", "passphrase", "token", "access_token",
        "accessToken", "refresh-token", "client_secret", "clientSecret", "webhook.secret", "key", "api_key",
        "apiKey", "X-Api-Key", "x-auth-token", "auth", "oauth", "signature", "X-Hub-Signature",
        "x-slack-signature", "X-Webhook-Secret", "code", "authorization_code", "Cookie", "Set-Cookie",
        "cookies", "Authorization", "Proxy-Authorization", "credentials", "user[password]",
        "user%5Bpassword%5D", "sig",
    ],
)  # fmt: skip
def test_sensitive_names(name: str) -> None:
    assert is_sensitive_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "status_code", "statusCode", "error_code", "last_error_code", "unique_key", "lock_key",
        "work_order_code", "monkey", "turkey", "country_code", "ZipCode", "primary_key", "idempotency_key",
        "unit_code",
        "username", "keyword", "tokenize", "max_tokens", "author", "authority", "encoded", "id", "",
        "token_type",
    ],
)  # fmt: skip
def test_harmless_names(name: str) -> None:
    assert not is_sensitive_name(name)


# text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def\nHost: h", "Authorization: [redacted]\nHost: h"),
        ('authorization: Digest username="bob", response="f00"\r\nX: y', "authorization: [redacted]\r\nX: y"),
        ("Authorization: raw-key-1 and more", "Authorization: [redacted]"),
        ("Cookie: a=b; c=d", "Cookie: [redacted]"),
        ("Set-Cookie: id=abc; Path=/", "Set-Cookie: [redacted]"),
        ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
        ("curl -H 'X-Api-Key: abc' http://h", "curl -H 'X-Api-Key: [redacted]' http://h"),
        ("sent Basic dXNlcjpwYXNz to h", "sent Basic [redacted] to h"),
        ("sent Bearer abcdef to h", "sent Bearer [redacted] to h"),
        ("http://bob:pw@h/x", "http://[redacted]@h/x"),
        ("http://bob:p@w@h/x", "http://[redacted]@h/x"),
        ("https://ghp_abc@github.example/x", "https://[redacted]@github.example/x"),
        ("/x?token=abc&page=2", "/x?token=[redacted]&page=2"),
        ("/x#access_token=abc", "/x#access_token=[redacted]"),
        ("to=https%3A%2F%2Fh%3Ftoken%3Dabc", "to=https%3A%2F%2Fh%3Ftoken%3D[redacted]"),
        ("grant=x&client_secret=abc&user=bob", "grant=x&client_secret=[redacted]&user=bob"),
        ("password = abc, user = bob", "password = [redacted], user = bob"),
        ("(token=abc)", "(token=[redacted])"),
        ('password="a b" rest', 'password="[redacted]" rest'),
        ("authorization=Bearer abc x", "authorization=[redacted] x"),
        ("api_key: abc def", "api_key: [redacted] def"),
        ('{"token": "a\\"b", "x": 1}', '{"token": "[redacted]", "x": 1}'),
        ("{'password': 'a\\'b', 'x': 1}", "{'password': '[redacted]', 'x': 1}"),
        ('{"code":123,"x":"y"}', '{"code":[redacted],"x":"y"}'),
        ('{"token": "cut off her', '{"token": "[redacted]'),
        ('{"cookies": ["a", {"b": "]"}], "x": 1}', '{"cookies": [redacted], "x": 1}'),
        ('{"secret": {"a": {"b": "}"}, "c": "d"}, "x": 1}', '{"secret": [redacted], "x": 1}'),
        ('{"secret": {"a": "cut', '{"secret": [redacted]'),
        (r'"{\"token\": \"a\\\"b\", \"x\": 1}"', r'"{\"token\": \"[redacted]\", \"x\": 1}"'),
        ("[('client_secret', 'abc'), ('x', 'y')]", "[('client_secret', '[redacted]'), ('x', 'y')]"),
        ("(b'authorization', b'abc')", "(b'authorization', b'[redacted]')"),
        ("{'password' => 'abc'}", "{'password' => '[redacted]'}"),
    ],
)  # fmt: skip
def test_credentials_are_removed_and_the_rest_stays(text: str, clean: str) -> None:
    assert redact_text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status_code=200 error_code=timeout lock_key=a:b attempt=1",
        "Unknown key: foo. Reason code: 7",
        "Bearer token expired; Basic authentication failed; basic plan",
        "GET http://127.0.0.1:8801/workstudio/DDOProtocol/GETVIEWDATA 200",
        "mail bob@example.com at 10:30",
        '{"token": null, "password": "", "has_key": true, "status": 1}',
        "a == b, monkey=1, C:\\key\\file",
        '["token", "password", "words"]',
        "[redacted]",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("odd", [None, b"token=\xff\xfe", 5, ["x"], object(), "\ud800 token=a", "\x00"])
def test_odd_input_gives_text(odd: Any) -> None:
    assert isinstance(redact_text(odd), str)
    assert "\xff" not in redact_text(odd)


def test_redaction_is_idempotent_on_random_mixtures() -> None:
    parts = [
        "token=", "password: ", '"secret": ', "'key' ", "Authorization: ", "Bearer ", "Basic ", "http://",
        "@", "a1b2c3d4", "x:y", REDACTED, '"', "'", "\\", "{", "}", "[", "]", "&", "?", ";", ",", " ", "\n",
        "%3D", "=", ":", "(", ")", "null", "Cookie=", "[redacted", "redacted]",
    ]  # fmt: skip
    chance = random.Random(7)
    for _ in range(5000):
        text = "".join(chance.choices(parts, k=chance.randint(1, 14)))
        once = redact_text(text)
        assert redact_text(once) == once, text


def test_no_random_secret_survives_in_any_usual_notation() -> None:
    chance = random.Random(11)
    alphabet = string.ascii_letters + string.digits + string.punctuation + " é\n\t"
    for _ in range(400):
        planted = "Q7" + "".join(chance.choices(alphabet, k=chance.randint(4, 24))) + "7Q"
        name = chance.choice(["password", "apiKey", "client_secret", "X-Auth-Token"])
        value = {"a": "b", name: planted, "list": [{name: {"deep": [planted]}}], "z": "end"}
        for text in (
            json.dumps(value),
            json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            json.dumps(json.dumps({"body": json.dumps(value)})),
            repr(value),
            repr(list(value.items())),
            urlencode({"a": "b", name: planted, "z": "end"}),
            f"user=bob {name}={planted!r} z=end",
        ):
            clean = redact_text(text)
            assert "Q7" not in clean, text
            assert "7Q" not in clean, text
            assert "end" in clean, text


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "\\",
        '"a" ',
        "token=",
        '{"secret":[',
        "://",
        "a=b&",
        '"token":"\\\\',
        "'",
        "bearer ",
        "=:",
        "key: ",
    ],
)
def test_huge_text_takes_time_in_proportion(pattern: str) -> None:
    text = pattern * (200_000 // len(pattern))
    started = time.process_time()
    redact_text(text)
    assert time.process_time() - started < 5.0


def test_urls_keep_what_is_harmless() -> None:
    url = "https://u:p@h.example:8443/v1/things;v=2?page=2&api_key=abc&status_code=3#id_token=x&y=1"
    assert redact_url(url) == (
        "https://[redacted]@h.example:8443/v1/things;v=2?page=2&api_key=[redacted]&status_code=3"
        "#id_token=[redacted]&y=1"
    )


# registered secrets


@pytest.mark.parametrize("where", ["plain {}", "/hooks/{}/x", '{{"note": "{}"}}', "{}", "x{}y"])
def test_a_registered_secret_disappears_wherever_it_shows_up(where: str) -> None:
    text = where.format(SECRET)
    assert SECRET in redact_text(text)
    register_secret(SECRET)
    assert redact_text(text) == where.format(REDACTED)


@pytest.mark.parametrize(
    "spelling", ["p%C3%A4ss%2Fw%20rd%22", "p%C3%A4ss%2Fw+rd%22", 'päss/w rd\\"', 'p\\u00e4ss/w rd\\"']
)
def test_quoted_and_escaped_spellings_go_with_it(spelling: str) -> None:
    register_secret('päss/w rd"')
    assert redact_text(f"a {spelling} b") == "a [redacted] b"


def test_a_secret_that_contains_another_is_removed_whole() -> None:
    register_secret("abcdef")
    register_secret("abcdefgh")
    assert redact_text("abcdefgh") == REDACTED


@pytest.mark.parametrize("value", ["", "short", "     a     ", None, "redacted", b"tiny"])
def test_values_that_would_mangle_ordinary_text_are_not_registered(value: Any) -> None:
    register_secret(value)
    assert redact_text("short a redacted tiny [redacted]") == "short a redacted tiny [redacted]"


def test_bytes_may_be_registered() -> None:
    register_secret(SECRET.encode())
    assert redact_text(SECRET) == REDACTED


def test_threads_may_register_and_redact_at_once() -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for index in range(100):
                register_secret(f"secret-{number}-{index}-end")
                assert REDACTED in redact_text(f"x secret-{number}-{index}-end y")
        except Exception as error:  # the thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_registry_stays_small_and_keeps_the_newest() -> None:
    for number in range(3000):
        register_secret(f"rotating-token-{number}")
    assert len(known._registered) <= 1024
    assert redact_text("rotating-token-2999") == REDACTED


# values


def test_values_under_sensitive_keys_go_whatever_they_are() -> None:
    value = {
        "user": "bob",
        "password": SECRET,
        "auth": {"user": "bob", "pw": SECRET},
        "deep": [{"apiKey": 123456}, {"code": 7, "status_code": 200}],
        "text": f"token={SECRET}",
        b"x-api-key": SECRET.encode(),
    }
    assert redact_value(value) == {
        "user": "bob",
        "password": REDACTED,
        "auth": REDACTED,
        "deep": [{"apiKey": REDACTED}, {"code": REDACTED, "status_code": 200}],
        "text": "token=[redacted]",
        b"x-api-key": REDACTED,
    }


def test_header_tuples_are_pairs() -> None:
    assert redact_value([(b"authorization", b"abc"), ("x", "y")]) == [("authorization", REDACTED), ("x", "y")]


def test_empty_values_and_flags_stay_readable() -> None:
    value = {"password": None, "token": "", "has_secret": True, "key": False}
    assert redact_value(value) == value


def test_plain_values_keep_their_type() -> None:
    now = datetime.datetime.now(datetime.UTC)
    value = {
        "n": 1,
        "f": 1.5,
        "d": Decimal("1.10"),
        "t": now,
        "day": now.date(),
        "u": uuid.UUID(int=1),
        "none": None,
    }
    assert redact_value(value) == value
    assert redact_value((1, 2, 3)) == (1, 2, 3)


def test_the_given_value_is_not_changed() -> None:
    value = {"password": SECRET, "list": [{"token": SECRET}]}
    redact_value(value)
    assert value == {"password": SECRET, "list": [{"token": SECRET}]}


def test_a_registered_secret_is_removed_from_keys_too() -> None:
    register_secret(SECRET)
    assert redact_value({f"user {SECRET}": 1}) == {"user [redacted]": 1}


def test_cycles_and_depth_end_in_a_marker() -> None:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = [cycle]
    assert redact_value(cycle) == {"a": 1, "self": ["[cycle]"]}
    deep: Any = "bottom"
    for _ in range(5000):
        deep = [deep]
    assert "[too deep]" in json.dumps(redact_value(deep))


def test_the_same_object_twice_is_no_cycle() -> None:
    shared = {"a": 1}
    assert redact_value([shared, shared]) == [{"a": 1}, {"a": 1}]


def test_objects_that_fail_do_not_fail_redaction() -> None:
    class Broken(dict):
        def items(self) -> Any:
            raise RuntimeError

        def __str__(self) -> str:
            raise RuntimeError

    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    assert redact_value([Broken(), Mute()]) == ["[unprintable Broken]", "[unprintable Mute]"]


def test_unknown_objects_become_redacted_text() -> None:
    assert redact_value({"error": ValueError(f"password={SECRET}")}) == {"error": "password=[redacted]"}
    assert redact_value({"a"}) == ["a"]


def test_redacting_a_value_twice_changes_nothing() -> None:
    once = redact_value({"password": SECRET, "t": f"Bearer {SECRET}", "l": [f"key={SECRET}"]})
    assert redact_value(once) == once


# excerpts


def test_an_excerpt_is_cut_to_its_limit() -> None:
    assert excerpt("x" * 600) == "x" * 499 + "…"
    assert excerpt("x" * 500) == "x" * 500
    assert len(excerpt("word " * 600, limit=50)) <= 50


def test_an_excerpt_is_one_line_a_database_can_store() -> None:
    assert excerpt("a\n\n  b\x00c\x1b[0m \ud800") == "a bc[0m ?"


def test_an_excerpt_of_json_keeps_its_structure() -> None:
    assert excerpt(b'{"error": "bad", "token": {"a": ["x"]}}') == '{"error": "bad", "token": "[redacted]"}'


def test_an_excerpt_of_cut_or_foreign_text_is_redacted_too() -> None:
    assert SECRET not in excerpt(f'{{"password": "{SECRET}')
    assert SECRET not in excerpt(f"<input name='password' value='x'> password={SECRET}")
    assert SECRET not in excerpt(f"password={SECRET}".encode("utf-16"))


@pytest.mark.parametrize("limit", [20, 500])
def test_a_secret_at_the_edge_of_an_excerpt_does_not_show_in_part(limit: int) -> None:
    register_secret(SECRET)
    long_value = f"password={'q' * 9000}"
    for start in [*range(limit - 20, limit + 5), *range(8 * limit + 2020, 8 * limit + 2090)]:
        for filler in ("-" * start, (long_value[: start - 1] + " ")):
            assert SECRET[:4] not in excerpt(filler + SECRET + "z" * 80_000, limit=limit)


def test_an_excerpt_of_a_huge_body_is_quick() -> None:
    body = b'{"password": "x", "a": "' + b"y" * 50_000_000
    started = time.process_time()
    assert len(excerpt(body)) == 500
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "odd", [None, 5, object(), {1: {2}}, [b"\xff"], ValueError("x"), "", b"", b"[" * 50_000]
)
def test_an_excerpt_of_anything_is_text(odd: Any) -> None:
    assert isinstance(excerpt(odd), str)


# log records


@pytest.fixture
def logger() -> logging.Logger:
    private = logging.Logger("private", logging.DEBUG)
    private.addFilter(RedactingFilter())
    return private


@pytest.fixture
def lines(logger: logging.Logger) -> list[str]:
    """What a handler with an ordinary formatter prints."""
    printed: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            printed.append(self.format(record))

    logger.addHandler(Collect())
    return printed


def keeping(kept: list[Any]) -> Callable[[logging.LogRecord], bool]:
    def keep(record: logging.LogRecord) -> bool:
        kept.append(record)
        return True

    return keep


def test_messages_and_arguments_are_cleaned(logger: logging.Logger, lines: list[str]) -> None:
    logger.info(f"password={SECRET}")
    logger.info("sent %s as %s", f"Bearer {SECRET}", 5)
    logger.info("token=%s and %d%%", SECRET, 50)
    logger.info("%(token)s of %(user)s", {"token": SECRET, "user": "bob"})
    logger.info("object %r", {"password": SECRET})
    logger.info(ValueError(f"password={SECRET}"))
    assert lines == [
        "password=[redacted]",
        "sent Bearer [redacted] as 5",
        "token=[redacted] and 50%",
        "[redacted] of bob",
        "object {'password': '[redacted]'}",
        "password=[redacted]",
    ]


def test_harmless_records_keep_their_arguments(logger: logging.Logger) -> None:
    kept: list[logging.LogRecord] = []
    logger.addFilter(keeping(kept))
    arguments = ("127.0.0.1:1", "GET", "/x", "1.1", 200)
    logger.info('%s - "%s %s HTTP/%s" %d', *arguments)
    assert kept[0].args == arguments


def test_tracebacks_and_stacks_are_cleaned(logger: logging.Logger, lines: list[str]) -> None:
    try:
        raise ValueError(f"password={SECRET}")
    except ValueError:
        logger.exception("failed", stack_info=True, extra={"x": "password=on-this-line"})
    assert "Traceback" in lines[0]
    assert "ValueError: password=[redacted]" in lines[0]
    assert "Stack (most recent call last)" in lines[0]
    assert SECRET not in lines[0]
    assert "on-this-line" not in lines[0]


def test_extra_fields_are_cleaned(logger: logging.Logger) -> None:
    kept: list[Any] = []
    logger.addFilter(keeping(kept))
    logger.info(
        "x", extra={"api_key": SECRET, "url": f"/?token={SECRET}", "run_id": 7, "data": {"pwd": SECRET}}
    )
    record = kept[0]
    assert (record.api_key, record.url, record.run_id) == (REDACTED, "/?token=[redacted]", 7)
    assert record.data == {"pwd": REDACTED}


def test_a_record_that_cannot_be_formatted_neither_raises_nor_leaks(
    logger: logging.Logger, lines: list[str]
) -> None:
    logger.info("%d", SECRET)
    assert lines == ["[log record could not be redacted]"]


def test_cleaning_a_record_twice_changes_nothing(logger: logging.Logger, lines: list[str]) -> None:
    logger.addFilter(RedactingFilter())
    logger.info("token=%s", SECRET)
    assert lines == ["token=[redacted]"]
