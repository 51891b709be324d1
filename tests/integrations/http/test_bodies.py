"""Bodies that are not what they should be: cut, too large, badly packed."""

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from integrations.http.errors import Action, BadReply, BodyTooLarge, ConnectionFailed, ServerError
from integrations.http.session import ApiSession
from tests.integrations.http.server import (
    ScriptedServer,
    chunked,
    gzipped,
    hang_up,
    head,
    raw_reply,
    reply,
    reset,
    truncated,
)

Open = Callable[..., ApiSession]
MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    "behavior",
    [
        pytest.param(truncated(b"x" * 90), id="shorter than its Content-Length"),
        pytest.param(truncated(b""), id="missing altogether"),
        pytest.param(truncated(b"x" * 300_000), id="cut after several reads"),
        pytest.param(chunked([b"abc", b"def"], complete=False), id="chunked without its end"),
        pytest.param(
            raw_reply(head(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nab"), id="cut in a chunk"
        ),
        pytest.param(
            raw_reply(head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\n"), id="no chunk length"
        ),
        pytest.param(gzipped(b"hello" * 1000, cut=4), id="gzip without its end"),
        pytest.param(raw_reply(b"HTTP/1.1 200 OK\r\nContent-Le"), id="cut in a header"),
        pytest.param(raw_reply(b"HTTP/1.1 200 OK\r\nX: y\r\n"), id="cut between headers"),
        pytest.param(reset, id="reset"),
        pytest.param(hang_up, id="hung up"),
    ],
)
def test_an_incomplete_reply_is_a_failed_connection(
    server: ScriptedServer, open_session: Open, behavior: Callable[..., bool]
) -> None:
    server.script(behavior)
    with pytest.raises(ConnectionFailed) as caught:
        open_session(server.url).request("GET")
    assert (caught.value.action, caught.value.provider) == (Action.RETRY, "acme")


def test_a_port_where_nothing_listens_is_a_failed_connection(open_session: Open, closed_port: int) -> None:
    with pytest.raises(ConnectionFailed, match="Connection refused"):
        open_session(f"http://127.0.0.1:{closed_port}").request("GET")


def test_a_name_that_cannot_exist_is_a_failed_connection(open_session: Open) -> None:
    with pytest.raises(ConnectionFailed, match="cannot be resolved"):
        open_session(f"http://{'a' * 64}.invalid").request("GET")


def test_a_chunked_body_comes_back_whole(server: ScriptedServer, open_session: Open) -> None:
    server.script(chunked([b"abc", b"d" * 70_000, b"e"]))
    assert open_session(server.url).request("GET").content == b"abc" + b"d" * 70_000 + b"e"


def test_a_body_without_length_ends_with_the_connection(server: ScriptedServer, open_session: Open) -> None:
    server.script(raw_reply(head(200, {}) + b"abc"))
    assert open_session(server.url).request("GET").content == b"abc"


def test_gzip_is_unpacked(server: ScriptedServer, open_session: Open) -> None:
    server.script(gzipped(b"hello" * 100_000))
    assert open_session(server.url).request("GET").content == b"hello" * 100_000


def test_gzip_of_several_members_is_unpacked_and_padding_ignored(
    server: ScriptedServer, open_session: Open
) -> None:
    packed = gzip.compress(b"one") + gzip.compress(b"two") + b"\0" * 512
    server.script(reply(body=packed, headers={"Content-Encoding": "x-gzip"}))
    assert open_session(server.url).request("GET").content == b"onetwo"


def test_an_empty_body_may_claim_to_be_gzip(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(body=b"", headers={"Content-Encoding": "gzip"}))
    assert open_session(server.url).request("GET").content == b""


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", b"this is plain text", id="plain as gzip"),
        pytest.param("gzip", zlib.compress(b"this is zlib"), id="zlib as gzip"),
        pytest.param("deflate", zlib.compress(b"not asked for"), id="deflate"),
        pytest.param("br", b"\x0b\x02\x80hello\x03", id="brotli"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(b"twice")), id="twice"),
    ],
)
def test_a_wrong_or_unasked_encoding_is_a_bad_reply(
    server: ScriptedServer, open_session: Open, encoding: str, body: bytes
) -> None:
    server.script(reply(body=body, headers={"Content-Encoding": encoding}))
    with pytest.raises(BadReply):
        open_session(server.url).request("GET")


def test_a_body_of_exactly_the_limit_passes(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(body=b"x" * 1000), gzipped(b"x" * 1000))
    session = open_session(server.url, max_body_bytes=1000)
    assert len(session.request("GET").content) == 1000
    assert len(session.request("GET").content) == 1000


@pytest.mark.parametrize(
    "behavior",
    [
        pytest.param(reply(body=b"x" * 1001), id="announced"),
        pytest.param(chunked([b"x" * 600, b"x" * 600]), id="chunked"),
        pytest.param(raw_reply(head(200, {}) + b"x" * 1001), id="until the end of the connection"),
        pytest.param(gzipped(b"x" * 1001), id="gzip"),
    ],
)
def test_a_body_over_the_limit_is_refused(
    server: ScriptedServer, open_session: Open, behavior: Callable[..., bool]
) -> None:
    server.script(behavior)
    with pytest.raises(BodyTooLarge) as caught:
        open_session(server.url, max_body_bytes=1000).request("GET")
    assert caught.value.action is Action.STOP


def test_a_body_that_announces_too_much_is_not_read(server: ScriptedServer, open_session: Open) -> None:
    server.script(raw_reply(head(200, {"Content-Length": str(10**15)}) + b"x"))
    with pytest.raises(BodyTooLarge):
        open_session(server.url).request("GET")


def test_a_refused_body_ends_its_connection(server: ScriptedServer, open_session: Open) -> None:
    ended = threading.Event()

    def send_and_watch(client, request) -> bool:
        client.send(head(200, {"Content-Length": "1000"}) + b"x")
        if client.sock.recv(1) == b"":
            ended.set()
        return False

    server.script(send_and_watch)
    with pytest.raises(BodyTooLarge) as caught:
        open_session(server.url, max_body_bytes=10).request("GET")
    assert ended.wait(5), caught


@pytest.mark.parametrize("members", [1, 200])
def test_a_gzip_bomb_neither_passes_nor_fills_the_memory(
    server: ScriptedServer, open_session: Open, members: int
) -> None:
    bomb = gzip.compress(b"\0" * (48 * MEGABYTE // members)) * members
    server.script(reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    session = open_session(server.url, max_body_bytes=MEGABYTE)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            session.request("GET")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE


def test_an_error_status_wins_over_an_unreadable_body(server: ScriptedServer, open_session: Open) -> None:
    server.script(
        raw_reply(head(503, {"Content-Length": "100"}) + b"half"),
        reply(503, b"plain", {"Content-Encoding": "gzip"}),
        reply(503, b"x" * 300_000),
    )
    session = open_session(server.url)
    for _ in range(3):
        with pytest.raises(ServerError) as caught:
            session.request("GET")
        assert caught.value.excerpt == ""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", id="endless header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc", id="two lengths"),
    ],
)
def test_what_is_no_http_is_a_bad_reply(server: ScriptedServer, open_session: Open, data: bytes) -> None:
    server.script(raw_reply(data))
    with pytest.raises(BadReply, match="not valid HTTP"):
        open_session(server.url).request("GET")
