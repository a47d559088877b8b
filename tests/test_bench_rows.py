"""Rows on small inputs: search, indexing, batches, vectors; and the command that measures them."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from eval.bench import __main__ as command
from eval.bench import batches
from eval.bench.batches import Batches, asked, comparable, require_alike
from eval.bench.corpus import MadeCorpus, passages_of
from eval.bench.ground import Ground
from eval.bench.indexing import change, changed_and_whole
from eval.bench.pairs import Pairs
from eval.bench.rows import Row, ratio_row
from eval.bench.searching import bare_search, measured
from eval.bench.vectors import nearest, same_nearest
from eval.types import Question
from index import build
from index.chunker import ChunkerSettings
from index.errors import CorpusError
from tests.fakes import FakeEmbedder

FEW = ("Putin regaló a Kim una limusina rusa.", "El petróleo subió en Londres.", "El portavoz habló de la visita.")


def article(name: str, paragraphs: int = 3) -> str:
    """Each paragraph one passage."""
    return "".join(
        f"{name} {number}. " + "La visita fue larga y muchos hablaron de ella. " * 6 + "\n"
        for number in range(paragraphs)
    )


# --- Search ---


def test_the_bare_libraries_find_what_they_are_asked_for() -> None:
    texts = [*FEW, *(f"Otra noticia número {number} sobre el tiempo." for number in range(5))]
    vectors = FakeEmbedder().encode(texts)
    found = cast(Any, bare_search(texts, vectors)("¿Qué limusina le regalaron a Kim?", vectors[1]))
    words, (_, places) = found
    assert words.documents[0][0] == 0
    assert places[0][0] == 1
    assert words.documents.shape == places.shape == (1, 5)


def test_a_question_without_a_known_word_is_searched_too() -> None:
    texts = [*FEW, "a de la", "El tiempo."]
    vectors = FakeEmbedder().encode(texts)
    words, (_, places) = cast(Any, bare_search(texts, vectors)("¿zzz?", vectors[0]))
    assert not words.scores.any()
    assert places[0][0] == 0


def test_each_question_is_searched_once_and_the_first_does_not_count() -> None:
    searched: list[str] = []

    def side(name: str) -> Any:
        return lambda question, vector: searched.append(f"{name}{question}{vector[0]:.0f}")

    pairs = measured(side("A"), side("B"), ["0", "1", "2", "3"], np.arange(4, dtype=np.float32).reshape(4, 1))
    assert searched == ["A00", "B00", "A11", "B11", "B22", "A22", "A33", "B33"]
    assert len(pairs.ours) == len(pairs.bare) == 3


# --- Indexing ---


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.txt").write_text(article(f"Artículo {number}"), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("share", "changed", "files"), [(0.01, 1, 1), (0.1, 3, 3), (0.5, 15, 10), (1.0, 30, 10)])
def test_as_many_passages_are_changed_as_were_to_be(articles: Path, share: float, changed: int, files: int) -> None:
    before = {path: path.read_text() for path in sorted(articles.iterdir())}
    assert change(list(before), share) == changed
    now = {path: path.read_text() for path in before}
    assert sum(now[path] != before[path] for path in before) == files
    assert sum(len(set(passages_of(now[path])) - set(passages_of(before[path]))) for path in before) == changed


def test_only_what_was_changed_is_embedded_again(articles: Path, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    before = {path: path.read_bytes() for path in articles.iterdir()}
    again, whole, embedded = changed_and_whole(articles, embedder, tmp_path)
    assert embedded == 1
    assert len(embedder.encoded) == 30 + 1
    assert again > 0
    assert whole > 0
    assert {path: path.read_bytes() for path in articles.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["articles"]


def test_the_large_corpus_is_indexed_once(articles: Path, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    for _ in range(2):
        ground = Ground(tmp_path, passages=30)
        ground.__dict__["corpus"] = MadeCorpus(articles, 30, {})
        ground.__dict__["embedder"] = embedder
        assert len(ground.stored.passages) == 30
    assert len(embedder.encoded) == 30
    assert build.update(articles, tmp_path / "corpus-30-index", embedder, ChunkerSettings())[1].embedded == 0


def test_an_index_of_another_version_is_made_anew(articles: Path, tmp_path: Path) -> None:
    for digest in ("d1", "d2"):
        ground = Ground(tmp_path, passages=30)
        ground.__dict__["corpus"] = MadeCorpus(articles, 30, {})
        ground.__dict__["embedder"] = FakeEmbedder(digest)
        assert ground.stored.manifest.recipe.embedder_digest == digest
    (tmp_path / "seeds-index").mkdir()
    ground.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["articles", "corpus-30-index"]


def test_a_number_of_runs_that_was_named_goes_before_the_usual_one(tmp_path: Path) -> None:
    assert (Ground(tmp_path).runs(10), Ground(tmp_path, runs=2).runs(10)) == (10, 2)


# --- Batches ---


class FakeGround:
    """An assistant whose answers are numbered, and a model with kept prefixes."""

    def __init__(self) -> None:
        self.assistant: Any = self
        self.model: Any = self
        self._kept = {"passage": b""}
        self.files: dict[str, str] = {}
        self.kept_at_start: list[int] = []

    def ask(self, question: str, identity: str, history: Sequence[str]) -> dict[str, Any]:
        if identity == "q1":
            self.kept_at_start.append(len(self._kept))
        self._kept[question] = b""
        return {"id": identity, "answer": question, "seconds": {"total": len(self.kept_at_start)}}

    def forget(self) -> None:
        self._kept.clear()


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> tuple[Batches, FakeGround]:
    ground = FakeGround()
    monkeypatch.setattr(batches, "to_json", lambda answer, files: json.dumps(answer))

    def answer_all(assistant: FakeGround, questions: Any, at_once: int) -> Any:
        assert at_once > 1
        for each in questions:
            yield Namespace(record=json.dumps(assistant.ask(each.question, each.id, each.history)))

    monkeypatch.setattr(batches, "answer_all", answer_all)
    questions = [Question(each, "test", "person", "es", each, True) for each in ("uno", "dos")]
    return Batches(cast(Ground, ground), asked(questions)), ground


def test_both_sides_begin_with_nothing_kept_and_give_the_same_records(sides: tuple[Batches, FakeGround]) -> None:
    both, ground = sides
    assert both.together() > 0
    assert both.one_by_one() > 0
    assert ground.kept_at_start == [0, 0]
    assert both.records == [[{"id": "q1", "answer": "uno"}, {"id": "q2", "answer": "dos"}]] * 2
    require_alike(both.records)


def test_other_records_are_told() -> None:
    one, other = comparable('{"id": "q1", "answer": "a", "seconds": 1}'), comparable('{"id": "q1", "seconds": 1}')
    require_alike([[one], [one], [one]])
    with pytest.raises(RuntimeError, match=r"run 1 has other records than the first: \['q1'\]"):
        require_alike([[one], [other]])
    with pytest.raises(RuntimeError, match="their number"):
        require_alike([[one], []])


def test_a_question_that_is_drawn_twice_has_two_ids() -> None:
    question = Question("x", "test", "person", "es", "¿Quién?", True, history=("¿Y él?",))
    assert [(each.id, each.question, each.history) for each in asked([question, question])] == [
        ("q1", "¿Quién?", ("¿Y él?",)),
        ("q2", "¿Quién?", ("¿Y él?",)),
    ]


# --- Vectors ---


def test_the_nearest_are_the_ten_best_in_order() -> None:
    passages = np.eye(12, dtype=np.float32)
    question = np.arange(12, dtype=np.float32).reshape(1, -1)
    assert nearest(question, passages).tolist() == [[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]]
    swapped = question.copy()
    swapped[0, [2, 3]] = swapped[0, [3, 2]]
    beyond = question.copy()
    beyond[0, 0] = 0.5
    assert same_nearest(np.vstack([question] * 3), np.vstack([question, swapped, beyond]), passages) == [
        True,
        False,
        True,
    ]


# --- The command ---


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Two rows that measure nothing, `one` and `search`, the second on the corpus; what was done, in order."""
    done: list[str] = []

    def row(name: str) -> Any:
        def measure(ground: Ground) -> list[Row]:
            done.append(f"{name} {ground.runs(5)} {ground.passages}")
            return [ratio_row(name, 1.0, ("a", "b"), Pairs((1.0,), (2.0,)))]

        return measure

    def corpus(folder: Path, wanted: int) -> MadeCorpus:
        done.append("corpus")
        return MadeCorpus(folder, wanted, {"p": "1"})

    monkeypatch.setattr(command, "MEASURES", {"one": row("one"), "search": row("search")})
    monkeypatch.setattr(command, "FOLDER", tmp_path / "folder")
    monkeypatch.setattr(command, "RESULTS", tmp_path / "bench.json")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr("eval.bench.ground.made_corpus", corpus)
    return done


def test_a_whole_run_makes_the_corpus_first_and_writes_the_results(measures: list[str], tmp_path: Path) -> None:
    assert command.main([]) == 0
    assert measures == ["corpus", "one 5 5000", "search 5 5000"]
    told = json.loads((tmp_path / "bench.json").read_text())
    assert [row["name"] for row in told["rows"]] == ["one", "search"]
    assert told["corpus"] == {"passages": 5000, "packages": {"p": "1"}}


@pytest.mark.parametrize("arguments", [["--only", "one"], ["--runs", "1"], ["--passages", "9"]])
def test_part_of_a_run_replaces_no_results(measures: list[str], arguments: list[str], tmp_path: Path) -> None:
    assert command.main(arguments) == 0
    assert not (tmp_path / "bench.json").exists()
    assert command.main([*arguments, "--out", str(tmp_path / "other.json")]) == 0
    assert json.loads((tmp_path / "other.json").read_text())["rows"]


def test_a_row_that_needs_no_corpus_makes_none(
    measures: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command.main(["--only", "one", "--runs", "3", "--passages", "9", "--out", str(tmp_path / "o.json")])
    assert measures == ["one 3 9"]
    assert json.loads((tmp_path / "o.json").read_text())["corpus"] is None
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].split()[:2] == ["one", "0.500"]
    assert captured.err == "bench: measuring one\n"


def test_what_a_user_can_mend_is_one_line(
    measures: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(folder: Path, wanted: int) -> MadeCorpus:
        raise CorpusError("no package", "one", "get it")

    monkeypatch.setattr("eval.bench.ground.made_corpus", missing)
    assert command.main([]) == 1
    assert measures == []
    assert capsys.readouterr().err == "bench: no package; expected one; get it\n"


@pytest.mark.parametrize("arguments", [["--only", "typo"], ["--runs", "0"], ["--passages", "many"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err
