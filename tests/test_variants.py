"""The ways of asking a SQuAD-format file, with the installed models: who may read what, and what that is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eval.measures import RETRIEVAL_MEASURES
from eval.rankings import ORIGINS
from eval.squad import (
    Choice,
    SquadSet,
    own_paragraph,
    read_squad,
    without_the_answer,
    without_the_article,
    write_corpus,
)
from eval.systems import Pipeline
from eval.types import Row
from eval.variants import VARIANTS, SquadRun, outcomes
from qa.answer import Assistant
from qa.settings import Settings
from tests.test_squad import BRIDGE, ENGLISH, MORE, TINY, written

TOP_K = 3
IDS = ["bridge-who", "bridge-when", "church", "cup", "crowd"]


@dataclass(frozen=True, slots=True)
class Made:
    """A run of all variants: the set, what was asked how, and how often the bar moved."""

    given: SquadSet
    run: SquadRun
    rows: Mapping[str, list[Row]]
    advanced: Mapping[str, int]
    folder: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    files, folder = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("run")
    given = read_squad(written(files, TINY), written(files, MORE, "more.json"))
    run = SquadRun(given, Settings(corpus=Path("nowhere"), top_k=TOP_K), folder, lambda done, total: None)
    run.prepare()
    advanced = dict.fromkeys(VARIANTS, 0)

    def rows_of(name: str) -> list[Row]:
        def advance() -> None:
            advanced[name] += 1

        return run.rows(VARIANTS[name], given.questions, ENGLISH, advance)

    return Made(given, run, {name: rows_of(name) for name in VARIANTS}, advanced, folder)


def files_found(row: Row) -> set[str]:
    return {each["file"] for each in row.record["passages"]}


def files_cited(row: Row) -> set[str]:
    return {each["file"] for each in row.record["citations"]}


def test_every_question_is_asked_in_every_way(made: Made) -> None:
    assert list(made.rows) == ["pipeline", "reader", "near_miss", "off_topic", "english", "english_reader"]
    for name, rows in made.rows.items():
        assert [row.question.id for row in rows] == IDS
        assert [row.record["id"] for row in rows] == IDS
        assert made.advanced[name] == len(IDS)
        assert not [row for row in rows if row.outcome == "failed"]


def test_corpus_and_index_lie_in_the_folder_that_was_named(made: Made) -> None:
    assert sorted(path.name for path in made.folder.iterdir()) == ["corpus", "index"]
    assert made.run.assistant.index_dir == made.folder / "index"
    texts = {path.name: path.read_bytes().decode() for path in (made.folder / "corpus").iterdir()}
    assert texts == {file: each.text for file, each in made.given.paragraphs.items()}


def test_the_pipeline_searches_everything(made: Made) -> None:
    for question, row in zip(made.given.questions, made.rows["pipeline"], strict=True):
        assert row.question == question
        assert len(row.record["passages"]) == TOP_K
    assert set.union(*map(files_found, made.rows["pipeline"])) > set(made.given.files.values())


def test_only_where_everything_is_searched_the_rankings_are_measured(made: Made) -> None:
    expected = {f"{origin}.{measure}" for origin in ORIGINS for measure in RETRIEVAL_MEASURES}
    for name, rows in made.rows.items():
        for row in rows:
            assert expected & row.scores.keys() == (expected if name in ("pipeline", "english") else set())


@pytest.mark.parametrize("name", ["reader", "english_reader"])
def test_the_reader_alone_has_and_cites_nothing_but_the_right_paragraph(made: Made, name: str) -> None:
    for row in made.rows[name]:
        own = own_paragraph(made.given, row.question)
        assert files_found(row) == own
        assert files_cited(row) == (set() if row.record["abstained"] else own)
        assert row.question.answerable
    answered = [row for row in made.rows[name] if not row.record["abstained"]]
    assert len(answered) >= 3
    assert [row.scores["valid"] for row in answered] == [1.0] * len(answered)


def test_nearly_all_that_stands_there_in_so_many_words_is_found(made: Made) -> None:
    for name in ("pipeline", "reader"):
        assert [row.outcome for row in made.rows[name]].count("right") >= 4


@pytest.mark.parametrize(("name", "choice"), [("near_miss", without_the_answer), ("off_topic", without_the_article)])
def test_the_twins_are_asked_of_what_is_left_and_have_no_answer(made: Made, name: str, choice: Choice) -> None:
    for question, row in zip(made.given.questions, made.rows[name], strict=True):
        left = choice(made.given, question)
        assert row.question == replace(
            question, type=name, answerable=False, answers=(), evidence=(), why_unanswerable=name
        )
        assert row.record["question"] == question.question
        assert len(files_found(row)) == min(TOP_K, len(left))
        assert files_found(row) <= left
        assert files_cited(row) <= left
        assert row.outcome in ("rightly_refused", "invented")
        assert row.scores["refused"] == float(row.record["abstained"])
    assert "rightly_refused" in [row.outcome for row in made.rows[name]]


@pytest.mark.parametrize(("name", "choice"), [("near_miss", without_the_answer), ("off_topic", without_the_article)])
def test_the_twins_are_answered_as_over_a_folder_without_what_was_removed(
    made: Made, name: str, choice: Choice, tmp_path: Path
) -> None:
    question, row = made.given.questions[0], made.rows[name][0]
    left = choice(made.given, question)
    assert left < made.given.paragraphs.keys()
    write_corpus({file: made.given.paragraphs[file] for file in left}, tmp_path / "left")
    settings = replace(made.run.assistant.settings, corpus=tmp_path / "left", index_dir=tmp_path / "index")
    other = Assistant(settings, made.run.assistant.embedder)
    other.model = made.run.assistant.model  # the same one, with its adapter, not a model that was named
    system = Pipeline(other)
    record = system.answer(question)
    # The index's name is that of the whole.
    assert {**record, "seconds": 0, "index": ""} == {**row.record, "seconds": 0, "index": ""}


@pytest.mark.parametrize("name", ["english", "english_reader"])
def test_in_english_the_same_is_asked_in_the_words_of_the_other_file(made: Made, name: str) -> None:
    for question, row in zip(made.given.questions, made.rows[name], strict=True):
        assert row.question == replace(question, lang="en", question=ENGLISH[question.id])
        assert row.record["question"] == ENGLISH[question.id]


def test_no_way_of_asking_leaves_anything_to_the_next(made: Made) -> None:
    first = made.given.questions[:1]
    again = made.run.rows(VARIANTS["pipeline"], first, {})
    timeless = [{**row.record, "seconds": 0} for row in (*again, made.rows["pipeline"][0])]
    assert timeless[0] == timeless[1]
    assert made.run.rows(VARIANTS["reader"], (), {}) == []


def test_outcomes_have_ids_and_no_word(made: Made) -> None:
    shown = outcomes(made.rows["pipeline"])
    right = [row.outcome == "right" for row in made.rows["pipeline"]]
    assert [(each["id"], each["right"]) for each in shown] == list(zip(IDS, map(float, right), strict=True))
    assert [each["outcome"] == "right" for each in shown] == right
    assert {key for each in shown for key in each} == {"id", "outcome", "right"}
    assert outcomes([]) == []
    assert BRIDGE not in str(shown)
