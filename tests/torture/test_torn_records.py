"""A batch that goes on with what a power cut left of its last record: a part, zeros, or parts with zeros in between.

Enter the file of a whole batch and a seeded damage; the next run must end as if there had been none, or refuse what it
cannot know for its own. Embedder and model are fakes; no power is cut.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa.batch import run_batch
from qa.errors import QuestionsError
from tests.test_answer import NAMED, OFF_TOPIC, Setting
from tests.test_batch import TEAM, line
from tests.torture.batches import faults, folder_in_memory, timeless
from tests.torture.trials import trials

SECTOR_BYTES = 512
Figure = Callable[[str], None]


class Torn:
    """A batch of three questions whose last record did not reach the disk as a whole."""

    def __init__(self, place: Path) -> None:
        self.output = place / "a.jsonl"
        self.assistant = Setting(place).assistant(threads=2)
        self.lines = [line(id=name, question=text) for name, text in (("a", TEAM), ("b", OFF_TOPIC), ("c", NAMED))]
        self.run()
        self.whole = self.output.read_bytes()
        self.expected = [timeless(each) for each in self.whole.splitlines()]
        self.begin = self.whole.rindex(b"\n", 0, -1) + 1
        """Where the last record begins."""

    def run(self) -> None:
        run_batch(self.assistant, self.lines, len(self.lines), self.output)

    def faults(self, left: bytes) -> list[str]:
        """What is wrong after a run that finds what a power cut left."""
        self.output.write_bytes(left)
        self.run()
        return faults(self.output, self.expected, [self.whole[: self.begin]])


@pytest.fixture(scope="module")
def torn() -> Iterator[Torn]:
    with folder_in_memory() as folder:
        yield Torn(folder)


def zeros(raw: bytes, start: int, end: int) -> bytes:
    return raw[:start] + bytes(end - start) + raw[end:]


def without_sectors(raw: bytes, start: int, generator: random.Random) -> bytes:
    """Behind the start, some sectors of the disk are still zero, one of them at least."""
    starts = range(start - start % SECTOR_BYTES, len(raw), SECTOR_BYTES)
    for each in generator.sample(starts, generator.randint(1, len(starts))):
        raw = zeros(raw, max(each, start), min(each + SECTOR_BYTES, len(raw)))
    return raw


def test_a_last_record_that_is_torn_anywhere_is_asked_again(torn: Torn, figure: Figure) -> None:
    whole, begin = torn.whole, torn.begin
    generator = random.Random(0)
    size = len(whole) - begin
    without_end = len(whole) - 1
    cuts = sorted({without_end, *generator.sample(range(begin, len(whole)), trials(30, size))})
    found = []
    for cut in cuts:
        for left in (whole[:cut], zeros(whole, cut, len(whole)), zeros(whole, begin, cut + 1)):
            found += torn.faults(left)
    mixtures = [without_sectors(whole, begin, generator) for _ in range(trials(10, 200))]
    found += [each for left in mixtures for each in torn.faults(left)]
    found += torn.faults(whole[:begin] + bytes(3 * 4096))  # a file that was made longer before anything was written
    count = 3 * len(cuts) + len(mixtures) + 1
    figure(f"{len(cuts)} of {size} places, {count} torn files: {len(found)} faults")
    assert found == []


def test_a_record_with_zeros_that_is_kept_is_seen(torn: Torn) -> None:
    for cut in (torn.begin, torn.begin + 50):
        torn.output.write_bytes(zeros(torn.whole, cut, cut + 20))
        assert faults(torn.output, torn.expected) == ["line 3 is no record"]


def test_zeros_before_any_record_may_be_anybodys_and_are_left_alone(torn: Torn) -> None:
    for left in (bytes(4096), b"\0", bytes(10) + b"\n", bytes(10) + torn.whole):
        torn.output.write_bytes(left)
        with pytest.raises(QuestionsError, match=r"^line 1 of .* is no answer to question 1; "):
            torn.run()
        assert torn.output.read_bytes() == left


def test_zeros_in_a_line_that_others_follow_are_no_power_cut_and_are_left_alone(torn: Torn) -> None:
    left = zeros(torn.whole, torn.begin - 30, torn.begin - 20)
    torn.output.write_bytes(left)
    with pytest.raises(QuestionsError, match=r"^line 2 of .* is no answer to question 2; "):
        torn.run()
    assert torn.output.read_bytes() == left
