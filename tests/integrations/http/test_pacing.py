import threading

import pytest

from integrations.http.pacing import Pacer


def wait_often(pacer: Pacer, times: int) -> None:
    for _ in range(times):
        pacer.wait()


def test_pauses_before_the_sixth_and_the_eleventh_call() -> None:
    pauses: list[float] = []
    pacer = Pacer(calls=5, pause_seconds=0.5, sleep=pauses.append)
    pauses_so_far = []
    for _ in range(11):
        pacer.wait()
        pauses_so_far.append(len(pauses))
    assert pauses_so_far == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
    assert pauses == [0.5, 0.5]


def test_does_not_pause_after_the_last_call() -> None:
    pauses: list[float] = []
    pacer = Pacer(calls=5, sleep=pauses.append)
    for _ in range(5):
        pacer.wait()
    assert pauses == []


def test_threads_are_paced_together() -> None:
    pauses: list[float] = []
    pacer = Pacer(calls=5, sleep=pauses.append)
    threads = [threading.Thread(target=wait_often, args=(pacer, 25)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pauses) == 39


def test_others_wait_for_a_thread_that_pauses_and_do_not_pause_again() -> None:
    pausing, finish = threading.Event(), threading.Event()
    passed = threading.Event()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        pausing.set()
        finish.wait(5)

    def pass_and_tell() -> None:
        pacer.wait()
        passed.set()

    pacer = Pacer(calls=2, sleep=sleep)
    wait_often(pacer, 2)
    first = threading.Thread(target=pacer.wait)
    first.start()
    assert pausing.wait(5)
    second = threading.Thread(target=pass_and_tell)
    second.start()
    assert not passed.wait(0.05)
    finish.set()
    assert passed.wait(5)
    first.join()
    second.join()
    assert len(pauses) == 1


@pytest.mark.parametrize(("calls", "pause"), [(0, 0.5), (5, -1.0)])
def test_refuses_settings_that_make_no_sense(calls: int, pause: float) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Pacer(calls=calls, pause_seconds=pause)
