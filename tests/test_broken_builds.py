"""The suite finds what is broken: three broken builds beside the honest one, on a part of the development questions.

The honest run is the smoke run of the suite as well: every citation is valid, and nothing is said without one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from eval.baseline import Comparison, compare
from eval.baselines import BestSentence
from eval.judging import judge
from eval.question_set import to_line
from eval.report import make_report, read_report, rows_of, write_report
from eval.run import run, texts_of
from eval.suite import questions_for
from eval.systems import Pipeline
from eval.types import Question, Record, Row
from index.generation import StoredIndex
from index.types import Hit
from qa.answer import Assistant
from qa.cli import run as command
from tests.commands import SEEDS
from tests.test_systems import pipeline

ANSWERABLE_STEP, UNANSWERABLE_STEP = 4, 2
"""Which development questions are asked: every so many, in the order of the file."""
DENSE_QUESTIONS = 14
"""As many of the answerable ones are asked anew with another search."""


def chosen() -> tuple[Question, ...]:
    """Questions by their place alone, the unanswerable ones more densely: there are fewer."""
    questions = questions_for(pipeline().assistant, None, "dev")
    answerable = [each for each in questions if each.answerable]
    return (*answerable[::ANSWERABLE_STEP], *[each for each in questions if not each.answerable][::UNANSWERABLE_STEP])


@pytest.fixture(scope="module")
def honest() -> list[Row]:
    """The one run of the build as it is."""
    return run(pipeline(), chosen(), texts_of(pipeline().assistant))


def broken(rows: Sequence[Row], change: Callable[[Row], Record]) -> list[Row]:
    """The rows as a build would have given them whose records are otherwise; rankings are measured as they were."""
    texts = texts_of(pipeline().assistant)
    judged = [judge(row.question, change(row), texts) for row in rows]
    return [replace(new, scores={**old.scores, **new.scores}) for old, new in zip(rows, judged, strict=True)]


def worse(comparison: Comparison) -> set[str]:
    return {each.measure for each in comparison.worse}


# --- the honest build


def test_the_questions_are_chosen_by_their_place_and_none_is_a_test_question(honest: list[Row]) -> None:
    asked = [row.question for row in honest]
    assert 45 <= len(asked) <= 60
    assert sum(not question.answerable for question in asked) >= 15
    assert {question.split for question in asked} == {"dev"}
    assert len({question.id for question in asked}) == len(asked)


def test_every_citation_is_valid_and_nothing_is_said_without_one(honest: list[Row]) -> None:
    assert [row.question.id for row in honest if row.outcome == "failed"] == []
    valid = {row.question.id: row.scores["valid"] for row in honest if "valid" in row.scores}
    assert set(valid.values()) == {1.0}
    assert {row.scores["uncited"] for row in honest if "uncited" in row.scores} == {0.0}
    # And not because nothing was said: more than half of what has an answer got one.
    answered = [row for row in honest if row.question.answerable and row.question.id in valid]
    assert 2 * len(answered) > sum(row.question.answerable for row in honest)


def test_the_honest_build_is_worse_than_itself_in_nothing(honest: list[Row], tmp_path: Path) -> None:
    assistant = pipeline().assistant
    report = make_report("default", honest, assistant, 1.0, datetime(2026, 1, 1, tzinfo=UTC))
    write_report(report, texts_of(assistant), tmp_path)
    for before in (honest, rows_of(read_report(tmp_path / "report.json"))):
        comparison = compare(before, honest)
        assert (worse(comparison), comparison.changed) == (set(), ())
        assert (comparison.paired, comparison.unpaired) == (len(honest), 0)
        assert {(each.gain.value, each.verdict) for each in comparison.differences} == {(0.0, "")}
        assert {"valid", "refused", "found@5", "right", "aurc"} <= {each.measure for each in comparison.differences}


# --- citations shifted by one character


def shifted(row: Row) -> Record:
    """The quotations as they were, each said to stand one character further on."""
    offsets = ("start", "end", "answer_start", "answer_end")
    moved = [{**each, **{name: each[name] + 1 for name in offsets}} for each in row.record["citations"]]
    return {**row.record, "citations": moved}


def test_citations_shifted_by_one_character_are_found(honest: list[Row]) -> None:
    after = broken(honest, shifted)
    assert {row.scores["valid"] for row in after if row.record["citations"]} == {0.0}
    found = worse(compare(honest, after))
    assert {"valid", "uncited"} <= found
    # The answers say what they said.
    assert found.isdisjoint({"correct", "right", "refused", "over_refused", "found@5", "auroc"})


def test_a_single_shifted_citation_among_all_is_no_valid_one(honest: list[Row]) -> None:
    first = next(row for row in honest if len(row.record["citations"]) > 1)
    records = first.record["citations"]
    half = {**first.record, "citations": [shifted(first)["citations"][0], *records[1:]]}
    judged = judge(first.question, half, texts_of(pipeline().assistant))
    assert judged.scores["valid"] == 1 - 1 / len(records)


# --- no refusals


def test_a_build_that_never_refuses_is_found(honest: list[Row]) -> None:
    best = BestSentence(pipeline().assistant)
    after = broken(honest, lambda row: best.answer(row.question) if row.record["abstained"] else row.record)
    assert not [row for row in after if row.record["abstained"]]
    found = worse(compare(honest, after))
    assert "refused" in found
    assert found.isdisjoint({"valid", "uncited", "over_refused"})

    none = [(old, new) for old, new in zip(honest, after, strict=True) if not old.question.answerable]
    assert {new.outcome for _, new in none} == {"invented"}
    assert "correct" in worse(compare(*map(list, zip(*none, strict=True))))


# --- another search


def test_a_build_that_takes_distances_for_similarities_is_found(honest: list[Row]) -> None:
    assistant = pipeline().assistant

    def by_distance(question: str, index: StoredIndex) -> Sequence[Hit]:
        scores = index.dense.scores(assistant.embedder.encode([question])[0])
        best = np.argsort(scores, kind="stable")[: assistant.settings.top_k]
        return [Hit(index.passages[at], float(scores[at]), rank, "dense") for rank, at in enumerate(best, 1)]

    dense = Assistant(assistant.settings, assistant.embedder, retriever=by_distance)
    dense.model = assistant.model  # the same one, with its adapter, not a model that was named
    system = Pipeline(dense)
    asked = [row.question for row in honest if row.question.answerable][:DENSE_QUESTIONS]
    after = run(system, asked, texts_of(assistant))
    assert {hit["origin"] for row in after for hit in row.record["passages"]} == {"dense"}
    comparison = compare(honest, after)
    assert comparison.paired == DENSE_QUESTIONS
    assert "found@5" in worse(comparison)
    # What each ranking finds by itself has not changed: it is the choice among them that is broken.
    assert {each.gain.value for each in comparison.differences if "." in each.measure} == {0.0}


# --- the command


def test_the_command_ends_with_4_where_a_build_got_worse(
    honest: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one passage instead of five, on the questions whose evidence the search has among five and not first."""
    assistant = pipeline().assistant
    needy = [row for row in honest if row.scores.get("found@5", 0) > row.scores.get("fused.recall@1", 1)]
    assert needy and all(row.question.answerable for row in needy)
    report = make_report("default", honest, assistant, 1.0, datetime(2026, 1, 1, tzinfo=UTC))
    write_report(report, texts_of(assistant), tmp_path)
    path = tmp_path / "needy.jsonl"
    path.write_text("".join(f"{to_line(row.question)}\n" for row in needy), encoding="utf-8")
    flags = ("--questions", str(path), "--corpus", str(SEEDS), "--baseline", str(tmp_path / "report.json"))
    assert command(["eval", *flags, "--top-k", "1"]) == 4
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(r"evidence in five passages .*\bworse\b", out)
    assert re.search(rf"{len(needy)} questions? compared, {len(honest) - len(needy)} in one run only", out)
