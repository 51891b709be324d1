"""What goes wrong on request, and how fast it is."""

import time
from concurrent.futures import ThreadPoolExecutor

from circuits.workstudio.sandbox import (
    WorkStudioSandbox,
)
from integrations.sandbox import SandboxServer
from tests.circuits.workstudio.sandbox.conftest import ASSESSMENTS, STATUSES, WorkStudio


class TestFaults:
    """Faults that only this provider can make."""

    def test_wrong_types_in_values(self, seeded: WorkStudio) -> None:
        seeded.sim("faults", {"kind": "wrong_types", "rows": 3})
        rows = seeded.rows("QC")
        assert [type(row["SS_TITLE"]) for row in rows[:4]] == [dict, dict, dict, str]
        assert isinstance(rows[0]["VEGJOB_PRCENT"], list)
        assert rows[0]["WSREQ_VERSION"].endswith(" units")
        assert isinstance(rows[0]["SS_JOBGUID"], str)
        assert all(isinstance(row["SS_JOBGUID"], str) for row in seeded.rows("QC"))

    def test_wrong_types_in_the_envelope(self, seeded: WorkStudio) -> None:
        seeded.sim("faults", {"kind": "wrong_types", "envelope": True})
        table = seeded.table("QC")
        assert (type(table["Heading"]), type(table["Data"])) == (str, dict)
        seeded.sim("faults", {"kind": "wrong_types"})
        assert seeded.post("DDOProtocol/HEARTBEAT").json() == {"protocol": {"value": "OK"}}
        seeded.sim("faults", {"kind": "wrong_types"})
        assert seeded.post(auth=None).status_code == 401

    def test_error_in_a_200_for_one_status_only(self, seeded: WorkStudio) -> None:
        seeded.sim(
            "faults", {"kind": "error_200", "message": "View is locked", "match": {"contains": "REWRK"}}
        )
        assert len(seeded.rows("ACTIV")) == 137
        reply = seeded.view(ASSESSMENTS, "By Job Status", "REWRK")
        assert (reply.status_code, reply.json()["errorMessage"]) == (200, "View is locked")

    def test_many_readers_while_the_data_changes(self, seeded: WorkStudio) -> None:
        def read(number: int) -> int:
            if number % 5 == 0:
                seeded.sim("touch", {"count": 20})
            return len(seeded.rows(STATUSES[number % 4]))

        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(read, range(40)))
        assert set(counts) == {137, 37, 25, 106}


def test_ten_thousand_circuits_are_quick() -> None:
    sandbox = WorkStudioSandbox()
    started = time.monotonic()
    summary = sandbox.seed(circuits=10_000)
    assert time.monotonic() - started < 6
    assert (summary["circuits"], summary["hostile"]["total"]) == (10_000, 5)
    with SandboxServer([sandbox]) as server:
        workstudio = WorkStudio(server.url_for("workstudio"))
        size = len(workstudio.view(ASSESSMENTS, "By Job Status", "ACTIV").content)
        assert 20_000_000 < size < 40_000_000
        started = time.monotonic()
        assert len(workstudio.view(ASSESSMENTS, "By Job Status", "ACTIV").content) == size
        assert time.monotonic() - started < 2
