"""The memory of a process stays what it is, however many questions it is asked."""

import gc
import resource
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qa.answer import Assistant
from qa.batch import run_batch
from qa.settings import Settings
from qa.types import Answer
from tests.fake_model import FakeModel, normalise
from tests.fakes import FakeEmbedder
from tests.test_answer import BRIDGE, NAMED, OFF_TOPIC, Setting

STATM = Path("/proc/self/statm")
WARM_UP, ROUNDS, ROUND = 40, 3, 60
# An answer and what hangs on it takes some 1,800 bytes as Python objects, so a round would leave 100 KB if each of its
# questions left an answer. In fact it leaves 4 to 22 KB, as tables of bounded size still fill.
# The bound is between the two.
MOST_OBJECTS = 40 * 1024
# What libraries allocate outside of Python is seen only in the whole process, whose pages come and go in larger steps.
# Measured: nothing. What would be seen is 17 KB or more for each question, such as the vectors of a search.
MOST_PROCESS = 1024 * 1024

pytestmark = pytest.mark.skipif(not STATM.exists(), reason="memory in use is read from /proc")


class Forgetful(FakeEmbedder):
    """Remembers nothing of what it was asked."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().encode(texts)
        self.batches.clear()
        return vectors


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    setting = Setting(tmp_path)
    model = FakeModel()
    flat = normalise([0.0] * model.vocabulary_size)
    return Assistant(Settings(setting.root, setting.index_dir), Forgetful(), FakeModel(lambda tokens: flat))


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def questions() -> Iterator[str]:
    """Questions of several kinds, no two alike, whose words have all been seen after a few: those are remembered."""
    names = ["Ana", "Luis", "Eva", "Juan", "Inés"]
    for number, said in enumerate(product(names, repeat=4)):
        yield (BRIDGE, NAMED, OFF_TOPIC, "resume el artículo 2")[number % 4] + f" ¿Lo dijo {' o '.join(said)}?"


def growth(ask: Callable[[list[str]], object]) -> tuple[int, int]:
    """By how many bytes a round of questions makes the Python objects, and the process, larger at least.

    What is done once, such as a table of Python's that doubles, falls into one round; what is kept, into all.
    """

    def memory() -> tuple[int, int]:
        gc.collect()
        return tracemalloc.get_traced_memory()[0], int(STATM.read_text().split()[1]) * resource.getpagesize()

    asked = list(questions())
    assert len(set(asked)) == len(asked) >= WARM_UP + ROUNDS * ROUND
    ask(asked[:WARM_UP])
    seen = [memory()]
    for start in range(WARM_UP, WARM_UP + ROUNDS * ROUND, ROUND):
        ask(asked[start : start + ROUND])
        seen.append(memory())
    print(seen)
    steps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(seen)]
    return min(step[0] for step in steps), min(step[1] for step in steps)


def test_a_batch_takes_no_more_memory_for_more_questions(assistant: Assistant, tmp_path: Path) -> None:
    def ask(asked: list[str]) -> None:
        lines = (f"{question}\n".encode() for question in asked)
        assert run_batch(assistant, lines, len(asked), tmp_path / "answers.jsonl", restart=True) == 0

    objects, process = growth(ask)
    assert objects < MOST_OBJECTS
    assert process < MOST_PROCESS


def test_a_conversation_takes_no_more_memory_for_more_questions(assistant: Assistant) -> None:
    def ask(asked: list[str]) -> None:
        before = assistant.ask(NAMED)
        for question in asked:
            before = assistant.ask(question, history=[before.turn])

    objects, process = growth(ask)
    assert objects < MOST_OBJECTS
    assert process < MOST_PROCESS


def test_answers_that_were_kept_would_be_seen(assistant: Assistant) -> None:
    kept: list[Answer] = []
    objects, _ = growth(lambda asked: kept.extend(map(assistant.ask, asked)))
    assert objects > MOST_OBJECTS * 3 // 2
    assert len(kept) == WARM_UP + ROUNDS * ROUND
