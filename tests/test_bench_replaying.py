"""Calls of a model recorded and made again, on tiny random weights."""

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from eval.bench.recording import Call, Cleared, Evaluated, Explored, PutBack, recorded
from eval.bench.replaying import Decode, Replayer, decodes
from eval.bench.warm import measure
from eval.types import Question
from qa.answer import Assistant
from qa.model import LlamaModel
from tests.models import THREADS
from tests.tiny_gguf import CHATML, write_model

PASSAGE, TAIL = list(range(10, 60)), [70, 71, 72]
PATHS = [[80, 81], [82], [83, 84, 85]]


@cache
def model_and_replayer() -> tuple[LlamaModel, Replayer]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_model(Path(folder) / "tiny.gguf", CHATML)
        model = LlamaModel.open(path, 2048, THREADS, branching=True)
        return model, Replayer(model)


def read(model: LlamaModel) -> None:
    """Reads one passage: its state, a question behind it, beginnings of answers side by side."""
    model.start_after(PASSAGE, TAIL)
    model.explore(PATHS, [1, 2, 3], [[0, 1], [0], [0, 2]])
    model.advance(90)


def calls_of(model: LlamaModel, keeping: bool = True) -> list[Call]:
    """What reading the passage takes the second time, when it is kept, or the first."""
    with recorded(model) as calls:
        read(model)
        if keeping:
            calls.clear()
            read(model)
    return calls


def test_what_is_recorded_is_what_the_model_was_asked() -> None:
    model, _ = model_and_replayer()
    first, again = calls_of(model, keeping=False), calls_of(model)
    assert [type(call) for call in first] == [Cleared, Evaluated, Evaluated, Explored, Evaluated]
    assert [type(call) for call in again] == [PutBack, Evaluated, Explored, Evaluated]
    assert again[0] == PutBack(tuple(PASSAGE))
    tail, explored, last = cast(tuple[Evaluated, Explored, Evaluated], tuple(again[1:]))
    assert (tail.tokens, tail.position, len(tail.rows)) == (tuple(TAIL), len(PASSAGE), 1)
    assert (explored.paths, explored.position) == (tuple(map(tuple, PATHS)), len(PASSAGE) + len(TAIL))
    assert [rows.shape for rows in explored.rows] == [(2, 3), (1, 3), (2, 3)]
    assert explored.wanted == ((0, 1), (0,), (0, 2))
    assert (last.tokens, last.position) == ((90,), len(PASSAGE) + len(TAIL))


def test_recording_changes_nothing_and_ends() -> None:
    model, _ = model_and_replayer()
    plain = model.start_after(PASSAGE, TAIL)
    with recorded(model) as calls:
        assert np.array_equal(model.start_after(PASSAGE, TAIL), plain)
    count = len(calls)
    model.start(PASSAGE)
    assert len(calls) == count


def test_recording_ends_with_an_error_too() -> None:
    model, _ = model_and_replayer()
    with pytest.raises(KeyError), recorded(model) as calls:
        raise KeyError
    model.start(PASSAGE)
    assert not calls


@pytest.mark.parametrize("keeping", [True, False])
def test_the_same_calls_give_the_same_figures_to_the_last_digit(keeping: bool) -> None:
    model, replayer = model_and_replayer()
    calls = calls_of(model, keeping)
    assert isinstance(calls[0], PutBack) == keeping
    replayer.check(calls)
    replayer.run(replayer.script(calls))
    replayer.check(calls)


def test_a_long_prompt_and_several_outputs_are_repeated() -> None:
    model, replayer = model_and_replayer()
    long = [number % 200 + 10 for number in range(1200)]
    with recorded(model) as calls:
        model.score(long[:600], long[600:])
        model.start_after(long[:700], TAIL)
        model.start_after(PASSAGE, TAIL)
        model.start_after(long[:700], TAIL)
    assert [call.prefix for call in calls if isinstance(call, PutBack)] == [tuple(long[:700])]
    replayer.check(calls)


@pytest.mark.parametrize("changed", ["token", "position", "prefix", "path"])
def test_other_calls_give_other_figures(changed: str) -> None:
    model, replayer = model_and_replayer()
    kept, tail, explored, last = cast(tuple[PutBack, Evaluated, Explored, Evaluated], tuple(calls_of(model)))
    wrong: dict[str, list[Call]] = {
        "token": [kept, dataclasses.replace(tail, tokens=(70, 71, 73))],
        "position": [kept, dataclasses.replace(tail, position=tail.position + 1)],
        "prefix": [PutBack((11, *kept.prefix[1:])), tail],
        "path": [kept, tail, dataclasses.replace(explored, paths=((80, 82), *explored.paths[1:])), last],
    }
    # A gap before a text the library itself refuses.
    with pytest.raises(RuntimeError, match="llama_decode" if changed == "position" else "other figures"):
        replayer.check(wrong[changed])


def test_a_script_does_what_it_says_each_time_it_is_run() -> None:
    model, replayer = model_and_replayer()
    calls = calls_of(model)
    script = replayer.script(calls)
    for _ in range(2):
        replayer.run(script)
        row = replayer._logits(-1).copy()
        assert int(row.argmax()) == int(cast(Evaluated, calls[-1]).rows[0].argmax())
    # Clear, put back, one text, a copy and a removal for each of three branches, their text, one token.
    assert len(script) == 2 + 1 + 3 + 1 + 3 + 1


def test_what_the_library_refuses_is_an_error() -> None:
    _, replayer = model_and_replayer()
    with pytest.raises(RuntimeError, match="llama_decode"):
        replayer.run(replayer.script([Cleared(), Evaluated((100_000,), 0, ())]))


def test_long_texts_are_divided_as_the_engine_divides_them() -> None:
    row = np.zeros(3, dtype=np.float32)
    tokens = tuple(range(1000))
    assert decodes(Evaluated(tokens, 7, (row,))) == [
        Decode((tokens[:512],), 7, range(512, 512)),
        Decode((tokens[512:],), 519, range(487, 488)),
    ]
    assert decodes(Explored(((1, 2), (3,)), 4, np.array([0]), ((1,), (0,)), ())) == [
        Decode(((1, 2), (3,)), 4, [1, 2], 1)
    ]


# --- One question ---


class FakeAssistant:
    """Answers by reading one passage; notes the questions, and whether the passage was kept when each was asked."""

    def __init__(self, model: LlamaModel) -> None:
        self.model = model
        self.asked: list[tuple[str, bool]] = []

    def ask(self, question: str, identity: str = "q1", history: object = ()) -> "FakeAssistant":
        self.asked.append((question, self.model._kept.get(tuple(PASSAGE)) is not None))
        self.model.start_after(PASSAGE, TAIL)
        return self

    @property
    def turn(self) -> str:
        return "before"


@pytest.mark.parametrize(("keeping", "before", "decoded"), [(True, [False, True], 1), (False, [False], 2)])
def test_a_question_is_timed_after_it_was_asked_and_recorded(keeping: bool, before: list[bool], decoded: int) -> None:
    model, replayer = model_and_replayer()
    model.forget()
    assistant = FakeAssistant(model)
    question = Question("a", "test", "person", "es", "¿Y él?", True, history=("¿Quién?",))
    count, pairs = measure(cast(Assistant, assistant), model, replayer, question, keeping)
    assert assistant.asked == [("¿Quién?", False), *(("¿Y él?", kept) for kept in [*before, *[keeping] * 3])]
    assert (count, len(pairs.ours), len(pairs.bare)) == (decoded, 3, 3)
    assert min(*pairs.ours, *pairs.bare) > 0
