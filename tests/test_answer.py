"""The pipeline with a fake embedder and a fake model, on a folder of three short articles."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from index import store
from index.errors import CorpusError
from qa import answer as answer_module
from qa import opening
from qa.answer import GREETING, Assistant
from qa.confidence import RUN_FEATURES
from qa.model_files import file_digest
from qa.proof import NO_ANSWER, require_unchanged
from qa.settings import ReaderName, Settings
from qa.types import Answer, Citation
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.tiny_gguf import write_adapter, write_model

ARTICLES = {
    "a.txt": "El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.\n"
    "Vende pan de centeno y roscas de anís.\n",
    "b.txt": "La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar.\n"
    "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad.\n"
    "Los vecinos celebraron la apertura del puente con música en la orilla del río.\n"
    "La alcaldesa anunció también otro puente, más pequeño, para los peatones.\n",
    "c.txt": "El equipo de Teruel ganó la final de balonmano contra el de Soria.\n",
}
BRIDGE = "¿Cuántos millones de euros costó el puente, según el ayuntamiento?"
NAMED = "¿Quién inauguró el puente nuevo sobre el río Júcar?"
OFF_TOPIC = "¿Qué temperatura alcanza la corona solar?"


class Setting:
    """A folder of articles, and assistants that answer from it with fakes."""

    def __init__(self, place: Path) -> None:
        self.root = place / "articles"
        self.index_dir = place / "index"
        self.embedder = FakeEmbedder()
        self.root.mkdir()
        for file, text in ARTICLES.items():
            (self.root / file).write_text(text, encoding="utf-8")

    def assistant(self, threads: int = 1) -> Assistant:
        settings = Settings(corpus=self.root, index_dir=self.index_dir)
        return Assistant(settings, self.embedder, FakeModel(threads=threads))


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def without_time(answer: Answer) -> Answer:
    return replace(answer, seconds={})


def quotes(answer: Answer) -> list[str]:
    return [citation.quote for citation in answer.citations]


def test_an_answer_is_a_quotation_that_stands_in_its_file(setting: Setting) -> None:
    answer = setting.assistant().ask(BRIDGE, "q7")
    assert (answer.id, answer.question, answer.understood) == ("q7", BRIDGE, None)
    assert (answer.abstained, answer.reason) == (False, None)
    assert quotes(answer)[0] == "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad."
    first = answer.citations[0]
    assert (first.marker, first.file, first.encoding, first.line) == (1, "b.txt", "utf-8", 2)
    assert ARTICLES["b.txt"][first.start : first.end] == first.quote
    assert "[1]" in answer.text
    assert answer.confidence is not None and 0 < answer.confidence <= 1
    assert answer.model == "fake.gguf 000000000000 copying"
    assert set(answer.seconds) == {"search", "read", "total"}


def test_what_no_article_speaks_of_is_refused_with_the_nearest_passages(setting: Setting) -> None:
    answer = setting.assistant().ask(OFF_TOPIC)
    assert (answer.text, answer.abstained, answer.citations) == (NO_ANSWER, True, ())
    assert answer.reason in ("low_confidence", "no_evidence")
    assert answer.hits


def test_a_year_that_no_article_names_is_outside_their_dates(setting: Setting) -> None:
    answer = setting.assistant().ask("¿Qué abrió Julián Ortega en 1987?")
    assert (answer.text, answer.abstained, answer.reason) == (NO_ANSWER, True, "outside_dates")
    assert (answer.citations, answer.confidence) == ((), 0.0)
    assert answer.notices == ("no article mentions 1987",)


def test_a_year_that_an_article_names_is_looked_up(setting: Setting) -> None:
    answer = setting.assistant().ask("¿Quién abrió una tienda en Cuenca en marzo de 2019?")
    assert answer.reason is None
    assert answer.citations[0].file == "a.txt"


def test_an_overview_cites_sentences_of_that_article_in_their_order(setting: Setting) -> None:
    answer = setting.assistant().ask("resume el artículo 2")
    assert (answer.abstained, answer.understood, answer.hits) == (False, "Resumen de b.txt", ())
    assert [citation.file for citation in answer.citations] == ["b.txt"] * 3
    starts = [citation.start for citation in answer.citations]
    assert starts == sorted(starts)
    assert all(ARTICLES["b.txt"][each.start : each.end] == each.quote for each in answer.citations)


@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        ("resume la noticia sobre la inauguración del puente", "Resumen de b.txt"),
        ("resume el artículo que habla de la final de Teruel", "Resumen de c.txt"),
        # «Final» and «tienda» weigh the same; the name decides.
        ("resume la noticia sobre la final de Cuenca", "Resumen de a.txt"),
    ],
)
def test_an_overview_of_a_topic_is_that_of_the_article_which_speaks_of_it(
    setting: Setting, asked: str, understood: str
) -> None:
    answer = setting.assistant().ask(asked)
    assert (answer.abstained, answer.understood) == (False, understood)


def test_an_overview_of_what_no_article_speaks_of_is_refused_with_the_nearest_passages(setting: Setting) -> None:
    answer = setting.assistant().ask("resume la noticia sobre la corona solar de Saturno")
    assert (answer.abstained, answer.reason, answer.confidence) == (True, "no_evidence", 0.0)
    assert answer.hits


def test_what_is_refused_is_never_surer_than_the_threshold(setting: Setting) -> None:
    # The sentence about the price holds every word but no date, which is asked for.
    assistant = setting.assistant()
    answer = assistant.ask("¿En qué fecha costó el puente cuatro millones de euros?")
    assert answer.reason == "low_confidence"
    assert answer.confidence == assistant.ranker.threshold


def test_a_greeting_searches_nothing(setting: Setting) -> None:
    assistant = setting.assistant()
    assistant.index()
    setting.embedder.batches.clear()
    answer = assistant.ask("¡Hola!")
    assert (answer.text, answer.abstained, answer.citations, answer.hits) == (GREETING, False, (), ())
    assert setting.embedder.batches == []


def test_search_gives_as_many_passages_as_were_asked_for(setting: Setting) -> None:
    assistant = Assistant(Settings(setting.root, setting.index_dir, top_k=2), setting.embedder, FakeModel())
    hits = assistant.search(BRIDGE)
    assert [hit.rank for hit in hits] == [1, 2]
    assert "costó cuatro millones" in hits[0].passage.text


def test_a_file_that_changed_after_it_was_indexed_is_not_quoted(setting: Setting) -> None:
    assistant = setting.assistant()
    assistant.index()
    path = setting.root / "b.txt"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text(ARTICLES["b.txt"].replace("cuatro", "quince"), encoding="utf-8")
    os.utime(path, ns=times)  # of the same size and time, so that no look at the folder can tell
    with pytest.raises(CorpusError) as caught:
        assistant.ask(BRIDGE)
    assert str(caught.value) == "b.txt changed while it was read; expected a file at rest; ask again"


def test_a_file_that_is_gone_is_not_quoted(setting: Setting) -> None:
    with pytest.raises(CorpusError, match=r"^z\.txt is gone \(.*; expected the file that was cited; ask again$"):
        require_unchanged(setting.root, [Citation(1, "z.txt", "0" * 64, "utf-8", 0, 1, 1, "x", 0, 1)])


def test_a_new_file_is_found_by_the_next_question(setting: Setting) -> None:
    assistant = setting.assistant()
    question = "¿Cómo se llama el gato del farero de Finisterre?"
    assert "d.txt" not in [citation.file for citation in assistant.ask(question).citations]
    (setting.root / "d.txt").write_text("El gato del farero de Finisterre se llama Trueno.\n", encoding="utf-8")
    assert quotes(assistant.ask(question))[0] == "El gato del farero de Finisterre se llama Trueno."
    assert assistant.changes is not None
    assert (assistant.changes.added, assistant.changes.unchanged) == (("d.txt",), ("a.txt", "b.txt", "c.txt"))


def test_a_removed_file_is_not_quoted_by_the_next_question(setting: Setting) -> None:
    assistant = setting.assistant()
    assert assistant.ask(NAMED).citations[0].file == "b.txt"
    (setting.root / "b.txt").unlink()
    assert "b.txt" not in [citation.file for citation in assistant.ask(NAMED).citations]


def test_the_same_question_gives_the_same_record_whatever_came_before(setting: Setting) -> None:
    questions = [BRIDGE, NAMED, OFF_TOPIC, "resume el artículo 2", "hola"]
    assistant = setting.assistant()
    forwards = [without_time(assistant.ask(question)) for question in questions]
    backwards = [without_time(assistant.ask(question)) for question in reversed(questions)]
    fresh = [without_time(setting.assistant().ask(question)) for question in questions]
    assert forwards == backwards[::-1] == fresh
    assert len({answer.text for answer in forwards}) == len(questions)


def test_a_question_is_read_as_plain_text(setting: Setting) -> None:
    assistant = setting.assistant()
    plain, typed = assistant.ask(NAMED), assistant.ask(NAMED.replace(" ", "\u00a0").replace("o", "o\u00ad"))
    assert (typed.text, typed.citations, typed.understood) == (plain.text, plain.citations, None)


def test_a_follow_up_is_understood_from_the_turn_before_and_thanks_change_no_subject(setting: Setting) -> None:
    assistant = setting.assistant()
    first = assistant.ask(NAMED)
    answer = assistant.ask("¿Y cuándo?", history=[first.turn])
    assert answer.understood == "¿Y cuándo? (inauguró el puente nuevo sobre el río Júcar, Marta Ruiz)"
    thanked = assistant.ask("gracias", history=[first.turn])
    assert assistant.ask("¿Y cuándo?", history=[first.turn, thanked.turn]).understood == answer.understood


def test_an_earlier_question_without_its_answer_is_answered_first(setting: Setting) -> None:
    assistant = setting.assistant()
    told = assistant.ask("¿Y cuándo?", history=[assistant.ask(NAMED).turn])
    assert without_time(assistant.ask("¿Y cuándo?", history=[NAMED])) == without_time(told)


def test_a_change_of_subject_carries_nothing_over(setting: Setting) -> None:
    assistant = setting.assistant()
    before = [assistant.ask(BRIDGE).turn]
    question = "¿Quién abrió una tienda en Cuenca en marzo de 2019?"
    assert without_time(assistant.ask(question, history=before)) == without_time(assistant.ask(question))


def test_two_questions_in_one_line_are_both_answered(setting: Setting) -> None:
    answer = setting.assistant().ask(
        "¿Quién inauguró el puente nuevo sobre el río Júcar y qué ganó el equipo de Teruel?"
    )
    assert "Marta Ruiz" in answer.text and "la final de balonmano" in answer.text
    assert [each.marker for each in answer.citations] == [1, 2]


@pytest.mark.parametrize(
    ("model", "reader", "used"),
    [
        ("", "auto", "copying"),
        ("m.gguf", "auto", "composing"),
        ("m.gguf", "copying", "copying"),
        ("", "composing", "composing"),
    ],
)
def test_the_installed_model_copies_and_others_compose_unless_told(model: str, reader: ReaderName, used: str) -> None:
    assert Assistant(Settings(model=model, reader=reader)).reader == used


def test_a_composed_sentence_that_its_passage_does_not_hold_is_rejected(setting: Setting) -> None:
    model = FakeModel(completions=["El puente costó noventa millones de dólares en Londres [1]"])
    settings = Settings(setting.root, setting.index_dir, reader="composing")
    answer = Assistant(settings, setting.embedder, model).ask(BRIDGE)
    assert "Londres" not in answer.text
    assert [each.text for each in answer.rejected] == ["El puente costó noventa millones de dólares en Londres"]
    assert quotes(answer)[0] == "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad."


def test_a_composed_sentence_that_its_passage_holds_is_the_answer(setting: Setting) -> None:
    model = FakeModel(completions=["El puente costó cuatro millones de euros [1]"])
    settings = Settings(setting.root, setting.index_dir, reader="composing")
    answer = Assistant(settings, setting.embedder, model).ask(BRIDGE)
    assert (answer.text, answer.rejected) == ("El puente costó cuatro millones de euros [1]", ())
    assert "El puente costó cuatro millones de euros" in quotes(answer)[0]


# --- the trained adapter


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Tiny weights in the place of the installed ones, and an adapter that this version ships for them."""
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "adapter.gguf")
    monkeypatch.setattr(opening, "find_bundled_model", lambda: weights)
    monkeypatch.setattr(opening, "require_installed", lambda name, digest: None)  # it knows the real ones
    monkeypatch.setattr(opening, "fastest_of", lambda paths, threads: 0)  # the same one every time
    monkeypatch.setattr(answer_module, "ADAPTER", str(adapter))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return weights, adapter


def test_a_shipped_adapter_is_merged_into_the_cache_and_named_in_every_record(
    setting: Setting, shipped: tuple[Path, Path]
) -> None:
    settings = Settings(corpus=setting.root, index_dir=setting.index_dir, threads=1)
    assistant = Assistant(settings, setting.embedder)
    answer = assistant.ask(NAMED)
    assert assistant.model.path.parent == store.cache_folder() / "models"
    assert f"{file_digest(shipped[1])[:12]} F16 copying" in answer.model
    assert without_time(answer) == without_time(Assistant(settings, setting.embedder).ask(NAMED))


def test_where_the_cache_cannot_be_written_it_is_merged_for_the_process(
    setting: Setting, shipped: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(corpus=setting.root, index_dir=setting.index_dir, threads=1)
    usual = Assistant(settings, setting.embedder).ask(NAMED)
    blocked = store.cache_folder().with_name("a file")
    blocked.write_text("")
    monkeypatch.setattr(store, "cache_folder", lambda: blocked)
    assert without_time(Assistant(settings, setting.embedder).ask(NAMED)) == without_time(usual)


def test_the_adapter_is_for_the_installed_model_that_copies(setting: Setting, shipped: tuple[Path, Path]) -> None:
    assert Assistant(Settings(corpus=setting.root)).adapter == shipped[1]
    assert Assistant(Settings(corpus=setting.root), model=FakeModel()).adapter is None
    assert Assistant(Settings(corpus=setting.root, model=str(shipped[0]))).adapter is None
    assert Assistant(Settings(corpus=setting.root, reader="composing")).adapter is None


def test_a_refused_run_is_never_surer_than_its_own_threshold(setting: Setting) -> None:
    assistant = setting.assistant()
    sure = replace(assistant.ranker, run_confidence_weights=(0.0,) * len(RUN_FEATURES), run_threshold=0.4)
    assistant.__dict__.update(ranker=sure, adapter=Path(__file__))  # any file
    answer = assistant.ask("¿En qué fecha costó el puente cuatro millones de euros?")
    assert (answer.reason, answer.confidence) == ("low_confidence", 0.4)  # unlimited, it would be 0.5
