"""Builds that are killed, cut from power or met by errors: the old index serves or the new one, and nothing else.

Each trial has an index folder of its own. `builds` says what is served afterwards, `faults` stops a build at a call.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bm25s
import pytest

from index import store
from index.errors import IndexDamagedError, UserError
from index.lexical import LexicalIndex
from tests.torture import builds, faults
from tests.torture.builds import DONE, REFUSED, Trial
from tests.torture.durability import at_risk
from tests.torture.faults import Call, Child
from tests.torture.trials import trials

KILLED = -9
ERRORS = "error=EIO", "error=ENOSPC"
LASTING = "write", "fsync", "mkdir"
"""Calls that a build makes for nothing but its index: these can fail once, or from there on."""
Work = Callable[[Path, Path], int]

pytestmark = pytest.mark.timeout(trials(300, 1800))


class TrustingLexicalIndex(LexicalIndex):
    """One that has bm25s write its arrays, which does not hear of a disk found full when a file is closed."""

    def save(self, folder: Path) -> None:
        scorer = bm25s.BM25(method="lucene")
        scorer.vocab_dict, scorer.scores = dict(self._numbers), {**self._matrix, "num_docs": self._size}
        scorer.nonoccurrence_array = None
        scorer.save(str(folder), show_progress=False)


def trusting_build(articles: Path, index_dir: Path) -> int:
    made = builds.build(articles, index_dir.with_name("elsewhere"))
    lexical = TrustingLexicalIndex.build([passage.text for passage in made.passages])
    return builds.status_of(lambda: store.write(index_dir, replace(builds.draft_of(made), lexical=lexical)))


def careless_build(articles: Path, index_dir: Path) -> int:
    """Moves the pointer before what it points at is there."""
    aside = index_dir.with_name("elsewhere")
    made = builds.build(articles, aside)
    (index_dir / "current").write_bytes((aside / "current").read_bytes())
    (aside / "generations" / made.generation).rename(index_dir / "generations" / made.generation)
    return DONE


def untold_build(articles: Path, index_dir: Path) -> int:
    """Fails in a way that no command turns into a message."""
    raise OSError(f"{index_dir} is full")


@pytest.fixture(scope="module", params=[builds.first_build, builds.another_build], ids=["first", "another"])
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """What every trial starts from."""
    made: Trial = request.param(tmp_path_factory.mktemp("trial"))
    return made


@pytest.fixture(scope="module")
def changing(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """The calls of an undisturbed build that change what lies on the disk, in order."""
    return changing_calls(trial, tmp_path_factory.mktemp("undisturbed"))


def changing_calls(trial: Trial, place: Path, work: Work = builds.build_in_process) -> list[Call]:
    faults.require_strace()
    own = trial.copied_to(place)
    assert faults.traced(place / "log", faults.WRITING, "", work, own.articles, own.index_dir) == DONE
    return [call for call in faults.calls(place / "log", place) if call.changes]


def swap_in(changing: list[Call]) -> int:
    """The position of the call that replaces the pointer."""
    [position] = [n for n, call in enumerate(changing) if call.target is not None and call.target.name == "current"]
    return position


def pointer_in(changing: list[Call]) -> Path:
    pointer = changing[swap_in(changing)].target
    assert pointer is not None
    return pointer


def drawn(count: int, number: int) -> list[int]:
    """Some positions in a list, in order; the same every time."""
    return sorted(random.Random(0).sample(range(count), min(count, number)))


def stopped(
    call: Call, fault: str, trial: Trial, place: Path, work: Work = builds.build_in_process, lasting: str = ""
) -> tuple[int, Trial]:
    """The exit status of a build in which this call meets a fault, and the trial with the index it leaves."""
    own, log = trial.copied_to(place), place / "log"
    place.mkdir(exist_ok=True)
    injected = f"{call.name}:{fault}:when={call.number}{lasting}"
    status = faults.traced(log, [call.name], injected, work, own.articles, own.index_dir)
    met = next(each for each in faults.calls(log, place) if each.number == call.number)
    assert role(met) == role(call), "the fault met another call than it was meant for"
    return status, own


def role(call: Call) -> tuple[str, str]:
    """What a call is about, however the generations are named this time."""
    return call.name, re.sub("[0-9a-f]{16}", "*", call.path.as_posix())


def generations_in(index_dir: Path) -> set[str]:
    return builds.names(index_dir)[1] if (index_dir / "generations").is_dir() else set()


def test_killed_at_any_call_the_old_index_serves_or_the_new_one(
    trial: Trial, changing: list[Call], tmp_path: Path, figure: Callable[[str], None]
) -> None:
    swap = swap_in(changing)
    chosen = {swap, swap + 1, *drawn(len(changing), trials(4, len(changing)))}
    for position in sorted(chosen):
        status, own = stopped(changing[position], "signal=SIGKILL", trial, tmp_path / str(position))
        assert status == KILLED
        assert builds.served(own) == ("old" if position <= swap else "new"), changing[position]
        builds.settled(own)
    figure(f"killed at {len(chosen)} of {len(changing)} calls: 0 mixtures")


def test_the_trial_sees_a_pointer_that_moves_too_early(tmp_path: Path) -> None:
    trial = builds.another_build(tmp_path)
    moved = [call for call in changing_calls(trial, tmp_path / "whole", careless_build) if call.target is not None]
    status, own = stopped(moved[-1], "signal=SIGKILL", trial, tmp_path / "cut", careless_build)
    assert status == KILLED
    with pytest.raises(UserError, match="altered or is incomplete"):
        builds.served(own)


def test_an_error_of_the_disk_at_any_call_is_told_and_the_old_index_serves(
    trial: Trial, changing: list[Call], tmp_path: Path, figure: Callable[[str], None]
) -> None:
    once = [(position, error, "") for position in range(len(changing)) for error in ERRORS]
    lasting = [(position, error, "+") for position, error, _ in once if changing[position].name in LASTING]
    cases, swap, ends = once + lasting, swap_in(changing), Counter[tuple[int, str]]()
    for number in drawn(len(cases), trials(8, len(cases))):
        position, error, plus = cases[number]
        call = changing[position]
        status, own = stopped(call, error, trial, tmp_path / str(number), lasting=plus)
        end = status, builds.served(own)
        # What failed anyway, as making a folder that is there, may fail otherwise without harm.
        assert end in lawful_ends(position, swap) or (call.result < 0 and end == (DONE, "new")), (call, error, end)
        if end == (REFUSED, "old") and position < swap:
            assert generations_in(own.index_dir) == generations_in(trial.index_dir), "a failed build left something"
            assert not (own.index_dir / "current.new").exists()
        builds.settled(own)
        ends[end] += 1
    refused, late, done = ends[REFUSED, "old"], ends[REFUSED, "new"], ends[DONE, "new"]
    figure(
        f"{len(cases)} errors possible; {refused} refused, old serves; {late} told too late to undo; {done} harmless"
    )


def lawful_ends(position: int, swap: int) -> set[tuple[int, str]]:
    """Exit status and index served after an error there: once the pointer has moved, the new index is in force."""
    return {(REFUSED, "old")} if position <= swap else {(REFUSED, "new"), (DONE, "new")}


def test_the_trial_sees_an_error_that_nobody_hears_of(tmp_path: Path) -> None:
    trial = builds.another_build(tmp_path)
    calls = changing_calls(trial, tmp_path / "whole", trusting_build)
    # The first write is the file's head, the second the array's end, which the C library held back.
    ends = [call for call in calls if call.name == "write" and call.path.name == "data.csc.index.npy"]
    status, own = stopped(ends[-1], "error=ENOSPC", trial, tmp_path / "cut", trusting_build)
    assert status == DONE
    with pytest.raises(IndexDamagedError, match="incomplete: lexical"):
        builds.served(own)


def test_the_trial_sees_an_error_that_is_not_told(tmp_path: Path) -> None:
    child = Child(untold_build, tmp_path, tmp_path)
    child.release()
    assert child.status() not in (DONE, REFUSED)


def test_killed_at_any_moment_the_old_index_serves_or_the_new_one(
    trial: Trial, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    seconds = min(seconds_undisturbed(trial, tmp_path / f"undisturbed{number}") for number in range(3))
    moments, found, kills = random.Random(0), Counter[str](), trials(8, 150)
    for number in range(4 * kills):
        own = trial.copied_to(tmp_path / str(number))
        child = Child(builds.build_in_process, own.articles, own.index_dir)
        child.release()
        time.sleep(moments.uniform(0, seconds))
        child.kill()
        status, serves = child.status(), builds.served(own)
        assert status == KILLED or (status, serves) == (DONE, "new")
        builds.settled(own)
        found[serves if status == KILLED else "too late"] += 1
        if found["old"] + found["new"] == kills:
            break
    assert found["old"] + found["new"] == kills, found
    figure(f"{kills} kills: old serves {found['old']}, new {found['new']}; {found['too late']} more came too late")


def seconds_undisturbed(trial: Trial, place: Path) -> float:
    own = trial.copied_to(place)
    child = Child(builds.build_in_process, own.articles, own.index_dir)
    began = time.monotonic()
    child.release()
    assert child.status() == DONE
    return time.monotonic() - began


def test_a_power_cut_undoes_nothing_that_the_pointer_needs(trial: Trial, changing: list[Call]) -> None:
    assert at_risk(changing, pointer_in(changing)) == []


def test_the_check_sees_every_sync_that_is_missing_or_late(trial: Trial, changing: list[Call]) -> None:
    swap, pointer = swap_in(changing), pointer_in(changing)
    syncs = [position for position, call in enumerate(changing) if call.name == "fsync"]
    assert len(syncs) > 12
    for position in syncs:
        without = changing[:position] + changing[position + 1 :]
        assert at_risk(without, pointer), changing[position]
        if position < swap:
            late = changing[:position] + changing[position + 1 : swap + 1] + [changing[position]] + changing[swap + 1 :]
            assert at_risk(late, pointer), changing[position]
