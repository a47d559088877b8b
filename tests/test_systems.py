"""The assistant as a system that is evaluated: its records, and what a question is charged with."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.judging import judge
from eval.measures import RETRIEVAL_MEASURES
from eval.rankings import ORIGINS
from eval.run import run, texts_of
from eval.systems import Pipeline, failed
from eval.types import Evidence, Question
from qa.answer import Assistant
from qa.cli import run as command
from qa.errors import QuestionError
from qa.record import to_json
from qa.settings import Settings
from tests.commands import GIFT, SEEDS
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.test_answer import ARTICLES, BRIDGE, NAMED, Setting
from tests.test_cli import GIFT_QUOTE, KEYS

HOW = "¿Cómo era el puente?"
FOLLOW_UP = "¿Y quién?"
COLOUR = "¿De qué color es el puente nuevo?"
UNDERSTOOD = "¿Y quién? (el puente)"
TOO_LONG = "¿Quién inauguró el puente? " * 80  # 27 characters each: 2,160
COST = Evidence("b.txt", 85, 100, "cuatro millones")
ASKED = Question("bridge", "dev", "number", "es", BRIDGE, True, (("cuatro millones",),), (COST,))
SLEPT = 0.3


@cache
def pipeline() -> Pipeline:
    """The five articles with the installed models, as the commands answer from them; loaded once for all tests."""
    made = Pipeline(Assistant(Settings(corpus=SEEDS)))
    made.prepare()
    return made


class Spy(FakeModel):
    """Knows how many tokens it has scored, of prefix and continuation but for the last."""

    scored = 0

    def score(self, prefix: Sequence[int], continuation: Sequence[int]) -> float:
        self.scored += len(prefix) + len(continuation) - 1
        return super().score(prefix, continuation)


class Sleepy(FakeEmbedder):
    """Takes its time for one text."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if HOW in texts:
            time.sleep(SLEPT)
        return super().encode(texts)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def system_of(setting: Setting, model: FakeModel | None = None, embedder: FakeEmbedder | None = None) -> Pipeline:
    settings = Settings(corpus=setting.root, index_dir=setting.index_dir)
    return Pipeline(Assistant(settings, embedder or setting.embedder, model or FakeModel()))


# --- records


def test_a_record_is_what_the_command_prints_with_the_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    record = pipeline().answer(Question("q1", "dev", "object", "es", GIFT, True))
    capsys.readouterr()
    assert command(["ask", "--json", "--corpus", str(SEEDS), GIFT]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(record) == [*KEYS, "tokens"]
    assert record["citations"][0]["quote"] == GIFT_QUOTE
    assert {key: record[key] for key in KEYS if key != "seconds"} == {
        key: value for key, value in printed.items() if key != "seconds"
    }
    assert list(record["seconds"]) == list(printed["seconds"])
    # The installed reader writes nothing: it follows runs of the passages.
    assert list(record["tokens"]) == ["prompt", "decoded"]
    assert record["tokens"]["prompt"] > record["tokens"]["decoded"] > 0


def test_the_tokens_are_those_of_this_question(setting: Setting) -> None:
    spy = Spy()
    system = system_of(setting, spy)
    charged = []
    for question in (COLOUR, HOW, NAMED):
        spy.scored = 0
        charged.append(system.answer(replace(ASKED, question=question))["tokens"])
        assert charged[-1] == {"prompt": spy.scored, "decoded": 0}
    # Several sentences are scored for the first two; for the third one sentence is so far ahead that none is.
    assert charged[0]["prompt"] > charged[1]["prompt"] > charged[2]["prompt"] == 0


def test_it_has_a_name_and_keeps_the_questions_id(setting: Setting) -> None:
    assert system_of(setting).name == "default"
    assert Pipeline(setting.assistant(), "other").name == "other"
    assert system_of(setting).answer(ASKED)["id"] == "bridge"


def test_what_is_prepared_is_no_question_charged_for(setting: Setting) -> None:
    system = system_of(setting)
    system.prepare()
    setting.embedder.batches.clear()
    system.answer(ASKED)
    assert setting.embedder.batches == [[BRIDGE]]


# --- a question after others


def test_a_follow_up_is_answered_as_in_a_conversation_and_charged_alone(setting: Setting) -> None:
    spy, plain = Spy(), setting.assistant()
    record = system_of(setting, spy).answer(replace(ASKED, question=FOLLOW_UP, history=(HOW,)))

    before = plain.ask(HOW)
    answer = plain.ask(FOLLOW_UP, "bridge", [before.turn])
    said = json.loads(to_json(answer, plain.files))
    assert record["understood"] == UNDERSTOOD
    assert {**record, "seconds": 0} == {**said, "seconds": 0, "tokens": record["tokens"]}

    # What the same question takes of another model when what was said before it is given.
    alone = Spy()
    system_of(setting, alone).assistant.ask(FOLLOW_UP, "bridge", [before.turn])
    assert record["tokens"] == {"prompt": alone.scored, "decoded": 0}
    assert 0 < alone.scored < spy.scored


def test_earlier_questions_are_answered_each_after_those_before_it(setting: Setting) -> None:
    plain = setting.assistant()
    turns = [plain.ask(HOW).turn]
    turns.append(plain.ask(FOLLOW_UP, history=turns).turn)
    last = "¿Y la alcaldesa?"
    expected = json.loads(to_json(plain.ask(last, "bridge", turns), plain.files))
    record = system_of(setting).answer(replace(ASKED, question=last, history=(HOW, FOLLOW_UP)))
    assert record["understood"] == expected["understood"]
    assert (record["answer"], record["passages"]) == (expected["answer"], expected["passages"])
    assert turns[1].understood == UNDERSTOOD


def test_earlier_questions_take_no_time_of_the_record(setting: Setting) -> None:
    embedder = Sleepy()
    system = system_of(setting, embedder=embedder)
    system.prepare()
    began = time.perf_counter()
    record = system.answer(replace(ASKED, question=FOLLOW_UP, history=(HOW,)))
    passed = time.perf_counter() - began
    assert embedder.batches.count([HOW]) == 1
    assert passed > SLEPT
    # Whatever else delays this machine is in `passed` too. Seconds are rounded to a thousandth.
    assert record["seconds"]["total"] <= passed - SLEPT + 0.001
    slow = system.answer(replace(ASKED, question=HOW))
    assert slow["seconds"]["search"] >= SLEPT - 0.001


# --- a question that cannot be asked


@pytest.mark.parametrize(
    ("question", "history", "error"),
    [
        ("", (), 'an empty question; expected a question in words; ask one, for example: qa ask "¿Quién es Peskov?"'),
        (" ¿? ", (), "an empty question; "),
        (TOO_LONG, (), "a question of 2159 characters; expected at most 2000; shorten it"),
        (BRIDGE, (HOW, "¡!"), "an empty question; "),
        (FOLLOW_UP, (TOO_LONG,), "a question of 2159 characters; "),
    ],
)
def test_a_question_that_cannot_be_asked_fails_and_scores_nothing(
    setting: Setting, question: str, history: tuple[str, ...], error: str
) -> None:
    asked = replace(ASKED, question=question, history=history)
    system = system_of(setting)
    record = system.answer(asked)
    assert list(record) == ["id", "question", "error"]
    assert (record["id"], record["question"]) == ("bridge", question)
    assert record["error"].startswith(error)

    answerable = run(system, [asked], ARTICLES)[0]
    assert answerable.outcome == "failed"
    # The worst that each can be: of two measures less is better.
    assert {name: value for name, value in answerable.scores.items() if value} == {"uncited": 1.0, "over_refused": 1.0}
    measured = {"correct", "right", "f1", "first_on_evidence", "found@5", "valid", "over_refused"}
    assert measured | {f"{origin}.recall@5" for origin in ORIGINS} <= answerable.scores.keys()

    none = judge(replace(asked, answerable=False, answers=(), evidence=()), record, ARTICLES)
    assert (none.outcome, none.scores) == ("failed", {"correct": 0.0, "refused": 0.0, "valid": 0.0, "uncited": 1.0})


def test_a_failure_is_not_charged_to_the_next_question(setting: Setting) -> None:
    system, fresh = system_of(setting), system_of(setting)
    assert "error" in system.answer(replace(ASKED, question="¿?", history=(HOW,)))
    assert system.answer(ASKED)["tokens"] == fresh.answer(ASKED)["tokens"]


def test_the_record_of_a_failure_has_the_whole_message() -> None:
    error = QuestionError("this", "that", "do so")
    assert failed(ASKED, error) == {"id": "bridge", "question": BRIDGE, "error": "this; expected that; do so"}


# --- one question after the other


def test_a_run_has_a_row_a_question_in_their_order_and_tells_of_each(setting: Setting) -> None:
    system, advanced = system_of(setting), list[str]()
    none = replace(ASKED, id="none", question="¿Qué temperatura alcanza la corona solar?", answerable=False)
    none = replace(none, answers=(), evidence=())
    rows = run(system, [ASKED, none, replace(ASKED, id="last")], ARTICLES, lambda: advanced.append("one"))
    assert [row.question.id for row in rows] == ["bridge", "none", "last"]
    assert [row.outcome for row in rows] == ["right", "rightly_refused", "right"]
    assert advanced == ["one"] * 3
    assert texts_of(system.assistant) == ARTICLES


def test_rankings_are_measured_for_what_was_searched_and_only_where_there_is_evidence(setting: Setting) -> None:
    system = system_of(setting)
    named, unplaced = replace(ASKED, question=FOLLOW_UP, history=(HOW,)), replace(ASKED, evidence=())
    rows = run(system, [named, unplaced], ARTICLES)
    assert rows[0].record["understood"] == UNDERSTOOD
    # All of b.txt is one passage, and the only one that speaks of a bridge. The words of «¿Y quién?» are in none, so
    # that for these the first article would come first.
    lexical = {name: value for name, value in rows[0].scores.items() if name.startswith("lexical.")}
    assert lexical == dict.fromkeys((f"lexical.{name}" for name in RETRIEVAL_MEASURES), 1.0)
    assert not [name for name in rows[1].scores if "." in name or name.startswith("found")]
