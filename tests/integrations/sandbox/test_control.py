"""The control API and the journal."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.sandbox.control import CONTROL_PATHS
from integrations.sandbox.journal import Journal
from tests.integrations.sandbox.conftest import Echo


def test_listing_names_every_control_call(echo: Echo) -> None:
    assert set(echo.sim("GET", "").json()["control"]) == {*CONTROL_PATHS, "POST shout"}


def test_unknown_control_call_is_a_404_that_lists_them(echo: Echo) -> None:
    reply = echo.sim("GET", "fautls")
    assert reply.status_code == 404
    assert "POST faults" in reply.json()["control"]


def test_wrong_method_is_a_405_that_names_the_right_ones(echo: Echo) -> None:
    reply = echo.sim("PUT", "faults")
    assert (reply.status_code, reply.json()["allowed"]) == (405, ["GET", "POST", "DELETE"])


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("seed", b"{not json", "The body is not JSON"),
        ("seed", b"[1]", "The body must be a JSON object, not list."),
        ("seed", b"\xff\xfe", "The body is not JSON"),
        ("seed", b'{"itms": 1}', "Unknown seed option 'itms'."),
        ("seed", b'{"items": -1}', "items must not be negative."),
        ("faults", b"", "The body is not JSON"),
        ("faults", b"[" * 100_000, "The body is not JSON"),
    ],
)
def test_malformed_control_body_is_a_400(echo: Echo, path: str, body: bytes, message: str) -> None:
    reply = echo.sim("POST", path, data=body)
    assert reply.status_code == 400
    assert message in reply.json()["error"]


@pytest.mark.parametrize("path", ["journal?limit=x", "journal?limit=-1"])
def test_malformed_limit_is_a_400(echo: Echo, path: str) -> None:
    assert echo.sim("GET", path).status_code == 400


def test_deleting_an_unknown_fault_is_a_404(echo: Echo) -> None:
    assert echo.sim("DELETE", "faults?id=99").status_code == 404
    assert echo.sim("DELETE", "faults?id=x").status_code == 404


def test_providers_own_control_call(echo: Echo) -> None:
    assert echo.sim("POST", "shout", json={"text": "hi"}).json() == {"text": "HI"}


def test_reset_empties_data_faults_and_journal(echo: Echo) -> None:
    echo.sim("POST", "seed", json={"items": 5})
    echo.fault("status", times=5)
    echo.get()
    state = echo.sim("GET", "state").json()
    assert state["items"] == 5
    assert state["traffic"] == {"requests": 1, "in_flight": 0, "max_in_flight": 1, "faults_waiting": 1}
    assert echo.sim("POST", "reset").json() == {"reset": True}
    state = echo.sim("GET", "state").json()
    assert state["items"] == 0
    assert state["traffic"] == {"requests": 0, "in_flight": 0, "max_in_flight": 0, "faults_waiting": 0}
    assert echo.sim("GET", "faults").json() == {"faults": [], "applied": {}}


def test_control_calls_are_never_faulted_nor_counted(echo: Echo) -> None:
    echo.fault("reset", times="forever")
    for _ in range(3):
        assert echo.sim("GET", "state").status_code == 200
    assert echo.sim("GET", "journal").json() == {
        "total": 0,
        "in_flight": 0,
        "max_in_flight": 0,
        "entries": [],
    }


def test_journal_tells_the_call_but_no_credential(echo: Echo) -> None:
    echo.get("/hello?token=secret-token", auth=("user", "secret-password"))
    echo.get("/other", data="12345")
    first, second = echo.entries()
    assert (first["number"], first["method"], first["path"], first["status"]) == (1, "GET", "/hello", 200)
    assert (first["auth"], second["auth"]) == ("valid", "missing")
    assert (second["summary"], second["request_bytes"], second["outcome"]) == ({"length": 5}, 5, "sent")
    assert first["bytes"] == len(echo.get().content)
    assert first["duration_ms"] >= 0
    assert "secret" not in echo.sim("GET", "journal").text


def test_journal_limit_and_clearing(echo: Echo) -> None:
    for number in range(5):
        echo.get(f"/{number}")
    newest = echo.sim("GET", "journal?limit=2").json()
    assert (newest["total"], [entry["path"] for entry in newest["entries"]]) == (5, ["/3", "/4"])
    assert echo.sim("GET", "journal?limit=0").json()["entries"] == []
    echo.sim("DELETE", "journal")
    assert echo.sim("GET", "journal").json()["total"] == 0


def test_peak_of_ten_parallel_calls(echo: Echo) -> None:
    echo.fault("latency", seconds=0.8, times="forever")
    with ThreadPoolExecutor(10) as pool:
        replies = [pool.submit(echo.get) for _ in range(10)]
        echo.wait_until(lambda: echo.sim("GET", "journal").json()["in_flight"] == 10)
        assert {reply.result().status_code for reply in replies} == {200}
    journal = echo.sim("GET", "journal").json()
    assert (journal["in_flight"], journal["max_in_flight"]) == (0, 10)


def test_calls_one_after_another_never_overlap(echo: Echo) -> None:
    for _ in range(50):
        echo.get("/big")
    journal = echo.sim("GET", "journal").json()
    assert (journal["max_in_flight"], journal["total"]) == (1, 50)
    assert {entry["outcome"] for entry in journal["entries"]} == {"sent"}


def test_journal_forgets_the_oldest_but_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.sandbox.journal.MAX_ENTRIES", 20)
    journal = Journal()
    for _ in range(25):
        entry = journal.begin("GET", "/", summary={}, auth="none", request_bytes=0)
        journal.finish(entry, 200, 0, "sent")
    snapshot = journal.snapshot()
    assert (snapshot["total"], len(snapshot["entries"]), snapshot["entries"][0]["number"]) == (25, 20, 6)
