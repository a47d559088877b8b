"""Work in halves, with a second thread for one of them or without."""

import os
import threading
from collections.abc import Callable

import pytest

from index.helper import Helper


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def thread_of(_half: int) -> int:
    return threading.get_ident()


def meeting() -> Callable[[int], int]:
    """Work whose halves wait for each other: alone neither comes to an end."""
    barrier = threading.Barrier(2, timeout=10)
    return lambda half: barrier.wait() * 0 + half


def test_both_halves_are_done_at_the_same_time(two_cores: None) -> None:
    given = Helper()
    for _ in range(3):
        assert given.halves(meeting()) == (0, 1)


def test_one_core_does_them_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert Helper().halves(thread_of) == (threading.get_ident(), threading.get_ident())


def test_halves_of_halves_are_done_by_who_has_them(two_cores: None) -> None:
    given = Helper()

    def both(half: int) -> tuple[int, int, int]:
        return (threading.get_ident(), *given.halves(thread_of))

    own, other = given.halves(both)
    assert own == (threading.get_ident(),) * 3
    assert len(set(other)) == 1
    assert other[0] != own[0]


def test_whoever_finds_the_thread_busy_does_both(two_cores: None) -> None:
    given, begun, enough = Helper(), threading.Event(), threading.Event()

    def long(half: int) -> None:
        begun.set()
        assert enough.wait(10)

    first = threading.Thread(target=given.halves, args=(long,))
    first.start()
    assert begun.wait(10)
    try:
        assert given.halves(thread_of) == (threading.get_ident(), threading.get_ident())
    finally:
        enough.set()
        first.join()
    assert given.halves(meeting()) == (0, 1)


@pytest.mark.parametrize("broken", [0, 1])
def test_what_a_half_raises_is_raised_and_the_next_work_is_done(two_cores: None, broken: int) -> None:
    given = Helper()

    def work(half: int) -> int:
        if half == broken:
            raise ValueError(half)
        return half

    with pytest.raises(ValueError, match=str(broken)):
        given.halves(work)
    assert given.halves(meeting()) == (0, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_a_thread_of_its_own(two_cores: None) -> None:
    given = Helper()
    given.halves(meeting())
    child = os.fork()
    if child == 0:
        os._exit(0 if given.halves(meeting()) == (0, 1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
