"""Every kind of fault, as a client meets it, and how often."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from integrations.sandbox.faults import KINDS
from tests.integrations.sandbox.conftest import GREETING, Echo


def outcomes(echo: Echo) -> list[tuple[str | None, int | None, str]]:
    """Return fault, status and outcome of each call."""
    return [(entry["fault"], entry["status"], entry["outcome"]) for entry in echo.entries()]


def test_status_with_body_and_headers(echo: Echo) -> None:
    echo.fault("status", status=429, body={"error": "slow down"}, headers={"Retry-After": "7"})
    reply = echo.get()
    assert (reply.status_code, reply.headers["Retry-After"], reply.json()) == (
        429,
        "7",
        {"error": "slow down"},
    )
    echo.fault("status", body="plain")
    assert (echo.get().status_code, echo.sandbox.state()["calls"]) == (500, 0)
    assert echo.get().json() == GREETING


def test_status_without_a_body_keeps_the_connection(echo: Echo) -> None:
    echo.fault("status", status=204)
    with requests.Session() as session:
        reply = session.get(f"{echo.url}/hello", timeout=5)
        assert (reply.status_code, reply.content) == (204, b"")
        assert session.get(f"{echo.url}/hello", timeout=5).json() == GREETING


def test_latency_delays_a_sound_reply(echo: Echo) -> None:
    echo.fault("latency", seconds=0.3)
    started = time.monotonic()
    assert echo.get().json() == GREETING
    assert 0.3 <= time.monotonic() - started < 5
    assert echo.entries()[0]["duration_ms"] >= 300


@pytest.mark.parametrize(("path", "share"), [("/big", 0.5), ("/big", 0.99), ("/hello", 0), ("/hello", 0.9)])
def test_truncated_promises_more_than_it_sends(echo: Echo, path: str, share: float) -> None:
    echo.fault("truncated", share=share)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        echo.get(path)
    entry = echo.entries()[0]
    full = len(echo.get(path).content)
    assert (entry["outcome"], entry["status"], entry["bytes"]) == ("truncated", 200, int(full * share))


def test_reset_before_the_reply_does_not_reach_the_provider(echo: Echo) -> None:
    echo.fault("reset")
    parts = urlsplit(echo.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(b"GET /echo/hello HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    assert outcomes(echo) == [("reset", None, "reset")]
    assert echo.sandbox.state()["calls"] == 0


def test_reset_midway_breaks_the_body(echo: Echo) -> None:
    echo.fault("reset", at=0.5)
    with pytest.raises(
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="reset by peer"
    ):
        echo.get("/big")
    assert outcomes(echo) == [("reset", 200, "reset")]
    assert echo.sandbox.state()["calls"] == 1


@pytest.mark.parametrize("pace", [{"chunk": 10, "interval": 0.05}, {"bytes_per_second": 200}])
def test_slow_drip_arrives_whole_but_slowly(echo: Echo, pace: dict[str, float]) -> None:
    echo.fault("slow_drip", **pace)
    started = time.monotonic()
    assert echo.get().json() == GREETING
    assert 0.15 <= time.monotonic() - started < 5


def test_slow_drip_runs_into_a_read_timeout(echo: Echo) -> None:
    echo.fault("slow_drip", chunk=1, interval=1)
    with pytest.raises((requests.ConnectionError, requests.Timeout)):
        requests.get(f"{echo.url}/hello", timeout=0.3)


def test_wrong_types_changes_the_reply(echo: Echo) -> None:
    echo.fault("wrong_types")
    assert echo.get().json() == {"text": {"value": "hello"}, "number": "7", "list": ["1", {"value": "two"}]}


def test_not_json_is_a_web_page_with_status_200(echo: Echo) -> None:
    echo.fault("not_json")
    reply = echo.get()
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(requests.JSONDecodeError):
        reply.json()


def test_error_200_is_the_providers_own_error(echo: Echo) -> None:
    echo.fault("error_200", message="no licence")
    reply = echo.get()
    assert (reply.status_code, reply.json()) == (200, {"error": "no licence"})


def test_hang_lasts_until_the_client_leaves(echo: Echo) -> None:
    echo.fault("hang")
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{echo.url}/hello", timeout=0.3)
    echo.wait_until(lambda: echo.server.mounts["echo"].journal.counts()["in_flight"] == 0)
    assert outcomes(echo) == [("hang", None, "hung")]


def test_client_that_leaves_midway_is_in_the_journal(echo: Echo) -> None:
    echo.fault("slow_drip", chunk=10_000, interval=0.05)
    with requests.get(f"{echo.url}/big", stream=True, timeout=5) as reply:
        reply.raw.read(10)
    echo.wait_until(lambda: echo.entries()[0]["outcome"] != "open")
    [entry] = echo.entries()
    assert entry["outcome"] == "client_left"
    assert entry["bytes"] < 300_000


def test_faults_are_consumed_in_order(echo: Echo) -> None:
    specs = [
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "not_json"},
        {"kind": "status", "status": 404},
    ]
    assert echo.sim("POST", "faults", json=specs).status_code == 201
    assert [echo.get().status_code for _ in range(5)] == [503, 503, 200, 404, 200]
    assert [entry["fault"] for entry in echo.entries()] == ["status", "status", "not_json", "status", None]
    assert echo.sim("GET", "faults").json() == {"faults": [], "applied": {"not_json": 1, "status": 3}}


def test_after_skips_matching_requests_also_those_taken_by_others(echo: Echo) -> None:
    echo.fault("status", status=503)
    echo.fault("status", status=404, after=2)
    assert [echo.get().status_code for _ in range(4)] == [503, 200, 404, 200]


def test_match_by_path_and_body(echo: Echo) -> None:
    echo.fault("status", status=503, match={"path": "/ORDERS"}, times="forever")
    echo.fault("status", status=404, match={"contains": '"id": 2'}, times=0)
    statuses = [
        requests.post(f"{echo.url}/{path}", json=body, timeout=5).status_code
        for path, body in (
            ("orders", {"id": 1}),
            ("orders", {"id": 2}),
            ("other", {"id": 2}),
            ("other", {"id": 1}),
        )
    ]
    assert statuses == [503, 503, 404, 200]


def test_forever_lasts_until_deleted(echo: Echo) -> None:
    first = echo.fault("status", times="forever")
    echo.fault("not_json", times=0)
    assert [echo.get().status_code for _ in range(3)] == [500, 500, 500]
    assert echo.sim("GET", "faults").json()["faults"][0]["applied"] == 3
    assert echo.sim("DELETE", f"faults?id={first['id']}").json() == {"deleted": 1}
    assert echo.get().text.startswith("<html>")
    assert echo.sim("DELETE", "faults").json() == {"deleted": 1}
    assert echo.get().json() == GREETING


def test_counts_are_exact_under_concurrency(echo: Echo) -> None:
    echo.fault("status", status=503, times=17, after=5)
    echo.fault("status", status=429, times=9)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: echo.get().status_code, range(80)))
    assert {status: statuses.count(status) for status in (200, 429, 503)} == {200: 54, 429: 9, 503: 17}
    assert echo.sim("GET", "faults").json()["applied"] == {"status": 26}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kind": "explode"}, f"Valid kinds: {', '.join(sorted(KINDS))}."),
        ({}, "Unknown fault kind None."),
        ([], None),
        ("status", "A fault must be a JSON object"),
        ({"kind": ["status"]}, "Unknown fault kind"),
        ({"kind": "status", "tiems": 2}, "Valid fields: kind, times, after, match, status, body, headers."),
        ({"kind": "status", "status": 99}, "status must be a whole number from 200 to 599, not 99."),
        ({"kind": "status", "times": -1}, "times must be a whole number"),
        ({"kind": "status", "times": True}, "times must be a whole number"),
        ({"kind": "status", "headers": {"X": "a\r\nb"}}, "headers may hold ASCII text on one line"),
        ({"kind": "status", "headers": []}, "headers must be an object"),
        ({"kind": "latency", "seconds": "1"}, "seconds must be a number"),
        ({"kind": "truncated", "share": 1}, "share must be from 0 to below 1"),
        ({"kind": "not_json", "body": 1}, "body must be text"),
        ({"kind": "wrong_types", "envelope": 1}, "envelope must be true or false"),
        ({"kind": "hang", "match": "x"}, "match must be an object"),
        ({"kind": "hang", "match": {"path": 1}}, "match.path must be text"),
        ([{"kind": "hang"}, {"kind": "nope"}], "Unknown fault kind 'nope'."),
    ],
)
def test_malformed_fault_is_refused_with_a_reason(echo: Echo, spec: object, message: str | None) -> None:
    reply = echo.sim("POST", "faults", json=spec)
    if message is None:
        assert reply.status_code == 201
    else:
        assert reply.status_code == 400
        assert message in reply.json()["error"]
    assert echo.sim("GET", "faults").json()["faults"] == []
