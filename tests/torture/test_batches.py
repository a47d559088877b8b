"""Batches that are stopped in every way: killed, interrupted, begun twice, left without room.

Enter questions of many kinds and stops at seeded places; each time the file must end as if nothing had happened, and
what was finished before must still stand in it byte by byte. Knows no model: embedder and model are fakes.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa.answers_file import answers_file
from qa.batch import require_apart
from qa.errors import QuestionsError
from qa.settings import Settings
from qa.verification import check_answers
from tests.torture.batch_server import CRASHED, INTERRUPTED
from tests.torture.batches import MOST_SECONDS, Batches, faults, finished, folder_in_memory, timeless
from tests.torture.trials import trials

QUESTIONS = trials(100, 1000)
KILLS = trials(5, 20)
POLL_SECONDS = 0.001
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def batches() -> Iterator[Batches]:
    with folder_in_memory() as folder:
        served = Batches(folder / "place", QUESTIONS)
        yield served
        served.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(scope="module")
def expected(batches: Batches) -> list[str]:
    """The records of a run that nothing stops, without their times."""
    output = batches.articles.with_name("expected.jsonl")
    assert batches.run(output) == 0
    found = [timeless(each) for each in output.read_bytes().splitlines()]
    assert [json.loads(each)["id"] for each in found] == [f"n{number}" for number in range(QUESTIONS)]
    checks = list(check_answers(output, batches.articles))
    assert len(checks) > QUESTIONS / 2
    assert {check.verdict for check in checks} == {"holds"}
    return found


def stop(batches: Batches, output: Path, number: signal.Signals, after: int, pause: float, way: str = "careful") -> int:
    """Runs a batch and sends it the signal so many records later, and after that pause; gives its exit status."""
    wanted = finished(output).count(b"\n") + after
    pid = batches.begin(output, way=way)
    deadline = time.monotonic() + MOST_SECONDS
    while finished(output).count(b"\n") < min(wanted, batches.count - 1):
        assert time.monotonic() < deadline, f"not {wanted} records within {MOST_SECONDS} s"
        time.sleep(POLL_SECONDS)
    time.sleep(pause)
    os.kill(pid, number)
    return batches.ended(pid)


def killed_again_and_again(batches: Batches, output: Path, kills: int, way: str = "careful") -> tuple[int, list[bytes]]:
    """Kills a batch at random places, then lets it end; gives how many kills met it, and what was finished at each."""
    generator = random.Random(0)
    met, kept = 0, []
    for _ in range(kills):
        after = generator.randrange(3 * batches.count // (2 * kills + 2))
        met += stop(batches, output, signal.SIGKILL, after, generator.uniform(0, 0.02), way) == -signal.SIGKILL
        kept.append(finished(output))
    assert batches.run(output, way=way) == 0
    return met, kept


# --- stopped by signals


def test_a_batch_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    batches: Batches, expected: list[str], place: Path, figure: Figure
) -> None:
    output = place / "a.jsonl"
    met, kept = killed_again_and_again(batches, output, KILLS)
    found = faults(output, expected, kept)
    places = [each.count(b"\n") for each in kept]
    figure(f"{len(expected)} questions, {met} kills after {places} records: {len(found)} faults")
    assert found == []
    assert met > KILLS / 2
    assert len(set(places)) > KILLS / 2
    assert [each.name for each in place.iterdir()] == ["a.jsonl"]


def test_a_careless_batch_is_seen_to_lose_or_spoil_records(
    batches: Batches, expected: list[str], place: Path, figure: Figure
) -> None:
    output = place / "a.jsonl"
    killed_again_and_again(batches, output, 3, "careless")
    found = faults(output, expected)
    figure(f"{len(found)} faults")
    assert found


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, INTERRUPTED)],
)
def test_every_signal_that_ends_a_batch_leaves_whole_records(
    number: signal.Signals, status: int, batches: Batches, expected: list[str], place: Path
) -> None:
    output = place / "a.jsonl"
    generator = random.Random(number)
    statuses, kept = set(), []
    for _ in range(trials(2, 5)):
        statuses.add(stop(batches, output, number, generator.randrange(1, 15), generator.uniform(0, 0.02)))
        kept.append(finished(output))
    assert batches.run(output) == 0
    assert faults(output, expected, kept) == []
    assert status in statuses <= {status, 0}  # 0 if it had ended before


# --- several at once


def at_once(batches: Batches, folder: Path, way: str) -> Path:
    """Begins batches over one file under all its names and waits for them; gives the file."""
    output = folder / "a.jsonl"
    output.touch()
    (folder / "symbolic.jsonl").symlink_to(output)
    (folder / "hard.jsonl").hardlink_to(output)
    names = ("a.jsonl", "symbolic.jsonl", "hard.jsonl", "a.jsonl")
    for pid in [batches.begin(folder / name, way=way) for name in names]:
        assert batches.ended(pid) != CRASHED
    return output


def test_of_batches_at_once_one_writes_whatever_names_they_know_the_file_by(
    batches: Batches, expected: list[str], place: Path, figure: Figure
) -> None:
    times = trials(1, 5)
    batches.said()
    for number in range(times):
        folder = place / str(number)
        folder.mkdir()
        assert faults(at_once(batches, folder, "careful"), expected) == []
    refused = batches.said().count("another run is writing ")
    figure(f"{refused} of {4 * times} refused")
    assert refused >= times


def test_careless_batches_at_once_are_seen_to_spoil_records(batches: Batches, expected: list[str], place: Path) -> None:
    assert faults(at_once(batches, place, "careless"), expected)


# --- where answers may lie


def test_answers_never_replace_the_questions_whatever_name_they_go_by(place: Path) -> None:
    questions, hard, symbolic = (place / name for name in ("q.jsonl", "hard.jsonl", "symbolic.jsonl"))
    questions.write_bytes(b"hola\n")
    hard.hardlink_to(questions)
    symbolic.symlink_to(questions)
    settings = Settings(place / "articles", place / "index")
    for name in (questions, hard, symbolic):
        with pytest.raises(QuestionsError, match=r"\.jsonl holds the questions; "):
            require_apart(questions, name, settings)
    require_apart(questions, place / "a.jsonl", settings)


def test_a_link_to_itself_is_a_place_where_nothing_can_be_written(place: Path) -> None:
    loop = place / "loop.jsonl"
    loop.symlink_to(loop)
    require_apart(place / "q.jsonl", loop, Settings(place / "articles", place / "index"))
    with pytest.raises(QuestionsError, match=r"cannot be written \(Too many levels"), answers_file(loop, False):
        pass


# --- without room, and disks that fail


def test_a_batch_without_room_stops_with_a_message_and_goes_on_later(
    batches: Batches, expected: list[str], place: Path, figure: Figure
) -> None:
    output = place / "a.jsonl"
    generator = random.Random(0)
    room, kept = 0, []
    batches.said()
    for _ in range(trials(4, 12)):
        room += generator.randrange(4000)
        assert batches.run(output, room=room) == 1
        kept.append(output.read_bytes())
        assert kept[-1] == finished(output)
    said = f"qa: {output} cannot be written (File too large); expected a writable file; name another\n"
    assert batches.said().count(said) == len(kept)
    assert batches.run(output) == 0
    found = faults(output, expected, kept)
    figure(f"{len(kept)} times without room: {len(found)} faults")
    assert found == []


def strace(folder: Path, *options: str) -> list[str]:
    """The program that traces another with these options; skips the test where there is none."""
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(folder / "calls"), *options]
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace is not permitted here")
    return command


@pytest.mark.parametrize(
    ("call", "error", "when", "reason", "kept"),
    [
        ("write", "ENOSPC", 4, "No space left on device", 3),
        ("fsync", "EIO", 4, "Input/output error", 2),  # the first one is made before any record
        ("flock", "ENOLCK", 1, "No locks available", 0),
    ],
)
def test_a_disk_that_fails_stops_a_batch_with_a_message_and_leaves_what_is_on_disk(
    call: str, error: str, when: int, reason: str, kept: int, batches: Batches, expected: list[str], place: Path
) -> None:
    output = place / "a.jsonl"
    output.touch()  # strace follows names that exist
    fault = ("-P", str(output), "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}")
    failing = Batches(place / "served", QUESTIONS, strace(place, *fault))
    assert failing.run(output) == 1
    said = f"qa: {output} cannot be written ({reason}); expected a writable file; name another"
    assert said in failing.said().splitlines()
    failing.close()
    before = output.read_bytes()
    assert (before.count(b"\n"), before) == (kept, finished(output))
    assert batches.run(output) == 0
    assert faults(output, expected, [before]) == []


def test_a_new_file_and_every_record_are_on_disk_before_the_next_begins(place: Path) -> None:
    traced = Batches(place / "served", 5, strace(place, "-y", "-e", "trace=write,fsync"))
    folder = place / "new" / "er"
    assert traced.run(folder / "a.jsonl") == 0
    traced.close()
    calls = re.findall(rf"(write|fsync)\(\d+<({re.escape(str(place))}[^>]*)>", (place / "calls").read_text())
    made = [("fsync", str(each)) for each in (folder, folder.parent, place)]
    output = str(folder / "a.jsonl")
    written = [(call, where) for call, where in calls if where == output or (call, where) in made]
    assert written == [*made, ("fsync", output), *(("write", output), ("fsync", output)) * 5]
