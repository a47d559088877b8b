"""The runs of `qa eval` as functions: which questions, how a bar moves, what a report holds and what it must not."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from eval.question_set import to_line
from eval.suite import evaluate, evaluate_squad, questions_for
from eval.systems import Pipeline
from eval.types import Evidence, Question
from eval.variants import VARIANTS
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.settings import Settings
from tests.fake_model import FakeModel
from tests.test_answer import ARTICLES, Setting
from tests.test_squad import ENGLISH, MORE, TINY, written
from tests.test_systems import ASKED, COST

NONE = Question("none", "test", "off_topic", "es", "¿Qué temperatura alcanza la corona solar?", False)


class Bar:
    """A progress bar that remembers how long it is and how far it came."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.advanced = 0
        self.closed = 0

    @contextmanager
    def __call__(self, total: int) -> Iterator[Callable[[], None]]:
        self.opened.append(total)
        yield self._advance
        self.closed += 1

    def _advance(self) -> None:
        self.advanced += 1


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    return Setting(tmp_path).assistant()


def set_of(folder: Path, *questions: Question) -> Path:
    path = folder / "set.jsonl"
    path.write_text("".join(f"{to_line(each)}\n" for each in questions), encoding="utf-8")
    return path


# --- which questions


def test_the_questions_of_a_set_are_those_of_the_split_with_their_evidence_found(
    assistant: Assistant, tmp_path: Path
) -> None:
    path = set_of(tmp_path, ASKED, NONE)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"question": "¿Y?", "answers": ["Ruiz"], "evidence": [{"file": "b.txt", "quote": "Marta Ruiz"}]}\n')
    everything = questions_for(assistant, path, "")
    assert everything[:2] == (ASKED, NONE)
    assert everything[2].evidence == (Evidence("b.txt", 13, 23, "Marta Ruiz"),)
    assert [each.id for each in questions_for(assistant, path, "dev")] == ["bridge"]
    assert [each.id for each in questions_for(assistant, path, "test")] == ["none", "q3"]


def test_a_split_without_a_question_is_named(assistant: Assistant, tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"^no question of split 'test'; expected dev, test, or no --split; "):
        questions_for(assistant, set_of(tmp_path, ASKED), "test")


def test_evidence_that_these_articles_do_not_hold_is_named(assistant: Assistant, tmp_path: Path) -> None:
    moved = Question("x", "dev", "number", "es", "¿Cuánto?", True, (("uno",),), (Evidence("b.txt", 0, 5, COST.quote),))
    with pytest.raises(QuestionsError, match=r"^question x: \"La al\" at b\.txt:0-5; expected \"cuatro millones\"; "):
        questions_for(assistant, set_of(tmp_path, moved), "")
    elsewhere = Question("x", "dev", "number", "es", "¿Cuánto?", True, (("uno",),), (Evidence("z.txt", 0, 5),))
    with pytest.raises(QuestionsError, match=r"^question x: evidence in z\.txt; "):
        questions_for(assistant, set_of(tmp_path, elsewhere), "")


def test_the_projects_own_questions_need_the_projects_articles(assistant: Assistant) -> None:
    with pytest.raises(QuestionsError, match=r"holds other articles than the project's own questions are about; "):
        questions_for(assistant, None, "dev")


# --- one system


def test_a_run_gives_rows_a_report_and_moves_the_bar(assistant: Assistant) -> None:
    bar, system = Bar(), Pipeline(assistant, "mine")
    rows, report = evaluate(system, assistant, [ASKED, NONE], bar)
    assert (bar.opened, bar.advanced, bar.closed) == ([2], 2, 1)
    assert [row.outcome for row in rows] == ["right", "rightly_refused"]
    assert (report["system"], report["ids"]) == ("mine", ["bridge", "none"])
    assert [row["outcome"] for row in report["rows"]] == ["right", "rightly_refused"]
    assert report["figures"]["correct"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    assert report["figures"]["right"]["n"] == 1
    assert set(report["retrieval"]) == {"lexical", "dense", "fused"}
    assert 0 <= report["seconds"] < 60


def test_what_is_loaded_is_loaded_before_the_time_is_taken(tmp_path: Path) -> None:
    setting, order = Setting(tmp_path), list[str]()

    class Told(Pipeline):
        def prepare(self) -> None:
            order.append("prepared")
            super().prepare()

    @contextmanager
    def bar(total: int) -> Iterator[Callable[[], None]]:
        order.append("bar")
        yield lambda: order.append("asked")

    assistant = setting.assistant()
    evaluate(Told(assistant), assistant, [ASKED], bar)
    assert order == ["prepared", "bar", "asked"]


def test_other_articles_another_digest_of_the_corpus_and_nothing_else(tmp_path: Path) -> None:
    setting = Setting(tmp_path)

    def digests() -> dict[str, str | None]:
        assistant = Assistant(Settings(setting.root, setting.index_dir), setting.embedder, FakeModel())
        found: dict[str, str | None] = evaluate(Pipeline(assistant), assistant, [ASKED], Bar())[1]["digests"]
        return found

    before = digests()
    assert digests() == before
    (setting.root / "c.txt").write_text(ARTICLES["c.txt"] + "Hubo música.\n", encoding="utf-8")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {"corpus", "index"}


# --- a SQuAD-format file


@pytest.fixture(scope="module")
def squad(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Path], Bar, Path]:
    """The report of all variants on three of the five questions, its files, its bar, and where it made its folder."""
    folder, scratch, bar = tmp_path_factory.mktemp("squad"), tmp_path_factory.mktemp("scratch"), Bar()
    files = {
        "squad": written(folder, TINY),
        "distractors": written(folder, MORE, "more.json"),
        "english": written(folder, ENGLISH, "english.json"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        report = evaluate_squad(Settings(corpus=Path("nowhere")), files, 3, lambda done, total: None, bar)
    return report, files, bar, scratch


def test_a_report_has_every_variant_with_figures_and_outcomes(
    squad: tuple[dict[str, Any], dict[str, Path], Bar, Path],
) -> None:
    report, _, bar, _ = squad
    # Of five questions three: 0, 5 // 3 and 10 // 3.
    assert report["ids"] == ["bridge-who", "bridge-when", "cup"]
    assert list(report["variants"]) == list(VARIANTS)
    assert (bar.opened, bar.advanced) == ([3 * 6], 3 * 6)
    for name, measured in report["variants"].items():
        assert [each["id"] for each in measured["outcomes"]] == report["ids"]
        assert measured["figures"]["correct"]["n"] == 3
        assert ("refused" in measured["figures"]) == (name in ("near_miss", "off_topic"))
        assert ("right" in measured["figures"]) == (name not in ("near_miss", "off_topic"))
        assert list(measured["types"]) == [name if name in ("near_miss", "off_topic") else "squad"]
        assert measured["cost"]["prompt_tokens"]["sum"] >= 0


def test_a_report_names_what_it_was_made_from_by_digests(
    squad: tuple[dict[str, Any], dict[str, Path], Bar, Path],
) -> None:
    report, files, _, _ = squad
    expected = {
        role: hashlib.sha256(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode()).hexdigest()
        for role, path in files.items()
    }
    assert report["files"] == expected
    assert len(set(expected.values())) == 3
    assert report["paragraphs"] == 6
    assert all(len(report["digests"][name]) == 64 for name in ("code", "prompts", "questions", "corpus", "reader"))


def texts_within(content: Any) -> Iterator[str]:
    """Every text of four characters or more in a JSON value, ids and titles aside."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in ("id", "title", "version"):
                yield from texts_within(value)
    elif isinstance(content, list):
        for value in content:
            yield from texts_within(value)
    elif isinstance(content, str) and len(content) >= 4:
        yield content


def test_a_report_holds_no_word_of_the_files(squad: tuple[dict[str, Any], dict[str, Path], Bar, Path]) -> None:
    report, files, _, _ = squad
    said = json.dumps(report, ensure_ascii=False) + json.dumps(report)
    texts = [text for path in files.values() for text in texts_within(json.loads(path.read_text(encoding="utf-8")))]
    words = {word.strip("¿?.,") for text in texts for word in text.split() if len(word) > 4} - {"bridge"}
    assert len(texts) > 20 and {"ingeniera", "catedral", "cathedral", "personas"} <= words
    assert [text for text in [*texts, *words] if text in said] == []
    assert said.count("bridge") == said.count("bridge-")  # the ids, which the report does name


def test_nothing_is_left_on_the_disk(squad: tuple[dict[str, Any], dict[str, Path], Bar, Path]) -> None:
    assert list(squad[3].glob("*squad*")) == []


@pytest.mark.parametrize("role", ["squad", "distractors", "english"])
def test_a_file_that_cannot_be_used_ends_it_before_anything_is_indexed(tmp_path: Path, role: str) -> None:
    files = {"squad": written(tmp_path, TINY), role: written(tmp_path, {"data": []}, "bad.json")}
    bar = Bar()

    def progress(done: int, total: int) -> None:
        raise AssertionError("indexed")

    with pytest.raises(QuestionsError, match=r"bad\.json (is not in SQuAD format|has no question bridge-who)"):
        evaluate_squad(Settings(), files, None, progress, bar)
    assert bar.opened == []
