"""The whole way from a question to a proven answer on the five articles, with models that have weights."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from index.embedder import SentenceTransformerEmbedder, open_embedder
from qa.answer import Assistant
from qa.model import LlamaModel
from qa.proof import NO_ANSWER
from qa.settings import ReaderName, Settings
from qa.types import Answer
from tests.commands import GIFT, SEEDS
from tests.models import THREADS, bundled_model
from tests.tiny_gguf import FAMILIES, write_adapter, write_model

KNOWN = [
    (GIFT, "003_6b36a17d40a337a5.txt", "limusina rusa de lujo"),
    (
        "¿Cuántos proyectiles de artillería ha suministrado Corea del Norte a Rusia?",
        "003_6b36a17d40a337a5.txt",
        "casi cinco millones",
    ),
    ("¿Qué días de enero estuvo Choe en Rusia?", "000_0c968cba595d11b1.txt", "del 15 al 17 de enero"),
    ("¿Dónde tuvo lugar la primera cumbre de Kim y Putin?", "004_22323238f36f44e2.txt", "Vladivostok"),
    ("¿Quién es el jefe del comité militar de la OTAN?", "001_b93cd10eda9988a7.txt", "Rob Bauer"),
]
OFF_TOPIC = "¿Cuánto cuesta un kilo de manzanas en Chile?"
FIRST_TEASER = "China ha iniciado una investigación sobre Nvidia"


@dataclass(frozen=True, slots=True)
class Bench:
    """The embedding model, loaded once, and the place of the one index of the articles."""

    embedder: SentenceTransformerEmbedder
    index_dir: Path

    def assistant(self, model: LlamaModel, reader: ReaderName = "auto", top_k: int = 5) -> Assistant:
        settings = Settings(corpus=SEEDS, index_dir=self.index_dir, reader=reader, top_k=top_k)
        return Assistant(settings, self.embedder, model)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(open_embedder(), tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def assistant(bench: Bench) -> Iterator[Assistant]:
    yield bench.assistant(bundled_model())


def require_proven(answer: Answer) -> None:
    """Every citation stands in its file, every marker of the text has one, and a refusal says nothing else."""
    for number, citation in enumerate(answer.citations, 1):
        raw = (SEEDS / citation.file).read_bytes()
        text = raw.decode(citation.encoding)
        assert citation.marker == number
        assert citation.sha256 == hashlib.sha256(raw).hexdigest()
        assert citation.quote == text[citation.start : citation.end]
        assert citation.line == text.count("\n", 0, citation.start) + 1
        assert f"[{number}]" in answer.text
    assert f"[{len(answer.citations) + 1}]" not in answer.text
    assert bool(answer.citations) != answer.abstained
    if answer.abstained:
        assert answer.text == NO_ANSWER


def teasers() -> str:
    text = (SEEDS / "003_6b36a17d40a337a5.txt").read_bytes().decode()
    return text[text.index(FIRST_TEASER) :]


@pytest.mark.parametrize(("question", "file", "fact"), KNOWN)
def test_a_known_fact_is_answered_from_its_file(assistant: Assistant, question: str, file: str, fact: str) -> None:
    answer = assistant.ask(question)
    require_proven(answer)
    assert not answer.abstained
    assert answer.citations[0].file == file
    assert fact in answer.citations[0].quote


def test_a_question_without_accents_finds_the_same(assistant: Assistant) -> None:
    answer = assistant.ask("que le regalo putin a kim en febrero")
    require_proven(answer)
    assert "limusina rusa de lujo" in answer.citations[0].quote


def test_what_the_articles_do_not_speak_of_is_refused(assistant: Assistant) -> None:
    answer = assistant.ask(OFF_TOPIC)
    require_proven(answer)
    assert answer.abstained


def test_teasers_do_not_win_over_the_articles(assistant: Assistant) -> None:
    hits = assistant.search("¿Qué relación une a Rusia y China con Corea del Norte?")
    assert not hits[0].passage.boilerplate
    for question, _, _ in KNOWN:
        assert not assistant.search(question)[0].passage.boilerplate
        assert all(citation.quote not in teasers() for citation in assistant.ask(question).citations)


def test_a_teaser_is_found_by_who_asks_for_it(assistant: Assistant) -> None:
    hits = assistant.search("¿Qué se dice de Jisoo?")
    found = [hit.passage for hit in hits[:2] if "La superestrella del K-pop Jisoo" in hit.passage.text]
    assert [passage.boilerplate for passage in found] == [True]
    answer = assistant.ask("¿Qué se dice de Jisoo?")
    require_proven(answer)
    assert "La superestrella del K-pop Jisoo" in " ".join(citation.quote for citation in answer.citations)


def test_the_articles_together_are_summed_up_from_several_of_them(assistant: Assistant) -> None:
    answer = assistant.ask("¿De qué tratan los artículos?")
    require_proven(answer)
    assert len({citation.file for citation in answer.citations}) == 3


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[LlamaModel, Path]:
    """A tiny random model with a random adapter over it."""
    folder = tmp_path_factory.mktemp("adapted")
    adapter = write_adapter(folder / "adapter.gguf")
    return LlamaModel.open(write_model(folder / "tiny.gguf"), threads=THREADS, lora=adapter, branching=True), adapter


@pytest.mark.parametrize("question", [question for question, _, _ in KNOWN])
def test_whatever_an_adapted_model_copies_is_proven(
    bench: Bench, adapted: tuple[LlamaModel, Path], question: str
) -> None:
    model, adapter = adapted
    copying = bench.assistant(model, "copying", top_k=2)
    copying.adapter = adapter
    answer = copying.ask(question)
    require_proven(answer)
    for citation in answer.citations:
        quote = citation.quote[citation.answer_start - citation.start : citation.answer_end - citation.start]
        assert quote in (SEEDS / citation.file).read_bytes().decode()


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_a_model_of_any_family_composes_is_proven_or_refused(
    bench: Bench, tmp_path: Path, family: str
) -> None:
    model = LlamaModel.open(write_model(tmp_path / f"{family}.gguf", FAMILIES[family]), threads=THREADS)
    composing = bench.assistant(model, "composing", top_k=2)
    for question in (GIFT, OFF_TOPIC):
        answer = composing.ask(question)
        require_proven(answer)
        assert answer.model == f"{family}.gguf {model.digest[:12]} composing"
