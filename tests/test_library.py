"""The package as a library: `from qa import open_corpus`, with the installed models."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import qa
from index.errors import CorpusError, UserError
from qa import open_corpus
from qa.answer import Assistant
from qa.errors import ModelError, QuestionError, SettingsError
from qa.settings import Settings
from qa.types import Answer
from tests.commands import GIFT, ROOT, SEEDS, with_package
from tests.test_cli import GIFT_QUOTE

HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "llama_cpp", "bm25s", "numpy", "typer", "rich"}
FOLLOW_UP = "¿Y en qué mes fue eso?"


@pytest.fixture(scope="module")
def seeds() -> Assistant:
    return open_corpus(SEEDS)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "mayor.txt").write_text("La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar.\n")
    return folder


def without_time(answer: Answer) -> Answer:
    return replace(answer, seconds={})


def imported_by(statement: str) -> set[str]:
    """The names of the modules that a fresh interpreter has imported after a statement."""
    script = f"{statement}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=with_package({}), capture_output=True, check=True
    )
    return set(json.loads(done.stdout))


# --- what it costs


def test_importing_the_package_imports_nothing_else() -> None:
    names = imported_by("from qa import open_corpus")
    assert "qa" in names
    assert {name.split(".")[0] for name in names} & HEAVY == set()
    assert {name for name in names if name.startswith(("qa.", "index"))} == set()


def test_opening_a_folder_opens_neither_models_nor_index() -> None:
    names = imported_by("from qa import open_corpus; open_corpus('seeds'); open_corpus('nowhere')")
    assert "qa.answer" in names
    assert names & {"torch", "transformers", "sentence_transformers", "faiss", "llama_cpp", "bm25s"} == set()


def test_the_package_names_what_it_gives_and_has_types() -> None:
    assert qa.__all__ == ["open_corpus"]
    assert (ROOT / "qa" / "py.typed").is_file()


# --- questions


def test_an_answer_has_citations_that_stand_in_the_files(seeds: Assistant) -> None:
    answer = seeds.ask(GIFT)
    assert isinstance(answer, Answer)
    assert (answer.id, answer.question, answer.abstained) == ("q1", GIFT, False)
    assert answer.citations[0].quote == GIFT_QUOTE
    for number, citation in enumerate(answer.citations, 1):
        text = (SEEDS / citation.file).read_bytes().decode(citation.encoding)
        assert text[citation.start : citation.end] == citation.quote
        assert text.split("\n")[citation.line - 1].find(citation.quote.split("\n")[0]) >= 0
        assert (citation.marker, f"[{number}]" in answer.text) == (number, True)


def test_what_is_not_on_record_is_an_answer_too(seeds: Assistant) -> None:
    answer = seeds.ask("¿Cuánto cuesta un kilo de manzanas en Chile?", "mine")
    assert (answer.id, answer.text, answer.abstained, answer.citations) == ("mine", "No consta.", True, ())
    assert answer.reason is not None
    assert len(answer.hits) == 5


def test_a_follow_up_takes_earlier_questions_or_the_turns_of_their_answers(seeds: Assistant) -> None:
    by_question = seeds.ask(FOLLOW_UP, history=[GIFT])
    by_turn = seeds.ask(FOLLOW_UP, history=[seeds.ask(GIFT).turn])
    mixed = seeds.ask(FOLLOW_UP, history=["hola", seeds.ask(GIFT).turn])
    assert by_question.understood is not None
    assert by_question.citations[0].quote == GIFT_QUOTE
    assert without_time(by_question) == without_time(by_turn) == without_time(mixed)
    assert seeds.ask(FOLLOW_UP).understood is None


def test_passages_and_files_can_be_had_alone(seeds: Assistant) -> None:
    hits = seeds.search("limusina rusa de lujo")
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert seeds.files[hits[0].passage.document_id] == "003_6b36a17d40a337a5.txt"
    assert sorted(seeds.files.values()) == sorted(path.name for path in SEEDS.iterdir())
    assert len(seeds.index().documents) == 5


def test_two_folders_can_be_open_at_once(seeds: Assistant, town: Path, tmp_path: Path) -> None:
    other = open_corpus(town, index_dir=tmp_path / "index", top_k=1)
    question = "¿Quién inauguró el puente nuevo?"
    assert [citation.file for citation in other.ask(question).citations] == ["mayor.txt"]
    assert seeds.ask(GIFT).citations[0].quote == GIFT_QUOTE
    assert "mayor.txt" not in [citation.file for citation in seeds.ask(question).citations]
    assert len(other.ask(GIFT).hits) == 1


def test_the_example_of_the_documentation_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert qa.__doc__ is not None
    lines = [line.removeprefix("    ") for line in qa.__doc__.splitlines() if line.startswith("    ") or not line]
    example = "\n".join(lines)
    assert "open_corpus" in example
    monkeypatch.chdir(ROOT)
    exec(compile(example, "example", "exec"), {})
    out, err = capsys.readouterr()
    assert "una limusina rusa de lujo" in out.splitlines()[0]
    assert out.splitlines()[1:] == [f"003_6b36a17d40a337a5.txt 11 {GIFT_QUOTE}"]
    assert err == ""


# --- settings


def test_what_is_given_is_what_is_set(tmp_path: Path) -> None:
    expected = Settings(tmp_path / "a", tmp_path / "i", "e", "m.gguf", "composing", 7)
    for kind in (str, Path):
        given = open_corpus(
            kind(tmp_path / "a"),
            index_dir=kind(tmp_path / "i"),
            embedder="e",
            model="m.gguf",
            reader="composing",
            top_k=7,
        )
        assert given.settings == expected
        assert given.index_dir == tmp_path / "i"


def test_what_is_not_given_has_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_corpus("a").settings == Settings(Path("a"))


def test_what_is_not_given_comes_from_the_environment_and_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qa.toml").write_text('top_k = 3\nembedder = "file"\nreader = "copying"\n')
    monkeypatch.setenv("QA_TOP_K", "4")
    monkeypatch.setenv("QA_MODEL", "environment.gguf")
    monkeypatch.setenv("QA_CORPUS", "elsewhere")
    monkeypatch.setenv("QA_THREADS", "2")
    expected = Settings(Path("a"), None, "file", "environment.gguf", "copying", 4, 2)
    assert open_corpus("a").settings == expected
    assert open_corpus("a", top_k=9, model="given.gguf").settings == replace(expected, top_k=9, model="given.gguf")


def test_a_setting_of_the_environment_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_TOP_K", "many")
    with pytest.raises(SettingsError, match=r"^the environment sets top_k to 'many'; "):
        open_corpus(SEEDS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"top_k": 0}, "sets top_k to '0'; expected a whole number from 1 to 50; give one in that range"),
        ({"top_k": 51}, "sets top_k to '51'; expected a whole number from 1 to 50; give one in that range"),
        ({"top_k": -1}, "sets top_k to '-1'; expected a whole number from 1 to 50; give one in that range"),
        ({"top_k": True}, "sets top_k to 'True'; expected a whole number from 1 to 50; give one in that range"),
        ({"reader": "x"}, "sets reader to 'x'; expected auto or copying or composing; choose one of these"),
        ({"model": ""}, "sets model to ''; expected a text that is not empty; give one"),
        ({"folder": ""}, "sets corpus to ''; expected a text that is not empty; give one"),
        ({"folder": "a\0b"}, "sets corpus to 'a\0b'; expected a text that is not empty; give one"),
        ({"folder": "~nobody-at-all"}, "sets corpus to '~nobody-at-all'; expected a folder; write its path in full"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_corpus(**{"folder": "seeds", **given})  # type: ignore[arg-type]  # what callers without types may give
    assert str(caught.value) == f"open_corpus {message}"


# --- what the user can mend


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    assistant = open_corpus(tmp_path / "none")
    for call in (lambda: assistant.ask(GIFT), assistant.index, lambda: assistant.search(GIFT)):
        with pytest.raises(
            UserError, match=f"^no folder '{tmp_path / 'none'}'; expected a folder of articles; "
        ) as caught:
            call()
        assert type(caught.value) is CorpusError


def test_a_folder_that_appears_later_is_found(tmp_path: Path, town: Path) -> None:
    assistant = open_corpus(tmp_path / "later")
    with pytest.raises(CorpusError):
        assistant.index()
    town.rename(tmp_path / "later")
    assert list(assistant.files.values()) == ["mayor.txt"]


def test_other_faults_are_of_the_same_kind(town: Path, seeds: Assistant) -> None:
    with pytest.raises(ModelError, match=r"^the model file none\.gguf cannot be read "):
        open_corpus(town, model="none.gguf").ask(GIFT)
    for question in ("", " ¿? ", "x" * 10_000):
        with pytest.raises(QuestionError):
            seeds.ask(question)
        with pytest.raises(QuestionError):
            seeds.ask(GIFT, history=[question])
    assert issubclass(ModelError, UserError) and issubclass(QuestionError, UserError)
    assert seeds.ask(GIFT).citations[0].quote == GIFT_QUOTE
