"""The simple systems: each does what its name says, by a computation of our own, and cites what stands in the files."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from eval.baselines import BestSentence, Naive, NearestSentence, searched
from eval.judging import judge
from eval.metrics import stands
from eval.run import run, texts_of
from eval.systems import System
from eval.types import Question, Record
from index.plain import plain
from index.spanish import analyse, sentences
from qa.answer import Assistant
from qa.settings import Settings
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.test_systems import pipeline

# A sentence a line, and every file one passage; the files are not written alike.
FILES = {
    "a.txt": "El panadero Julián Ortega vende roscas de anís.\r\nSu tienda está en Cuenca.\r\n".encode(),
    "b.txt": b"\xef\xbb\xbf"
    + "La alcaldesa inauguró un puente.\n¡El puente, un puente largo, cruza el Júcar! Costó mucho.\n".encode(),
    "c.txt": "El equipo de Teruel ganó la final.\nTeruel celebró la final con música.\n".encode(),
    "d.txt": "La panadería de Soria cerró; el señor Ortega no.\n".encode("cp1252"),
    "e.txt": "Un tren sale de Soria hacia Teruel cada mañana.\n".encode(),
    "f.txt": b"La biblioteca de Cuenca guarda mapas viejos.\n",
}
SENTENCES = [
    ("a.txt", "El panadero Julián Ortega vende roscas de anís."),
    ("a.txt", "Su tienda está en Cuenca."),
    ("b.txt", "La alcaldesa inauguró un puente."),
    ("b.txt", "¡El puente, un puente largo, cruza el Júcar!"),
    ("b.txt", "Costó mucho."),
    ("c.txt", "El equipo de Teruel ganó la final."),
    ("c.txt", "Teruel celebró la final con música."),
    ("d.txt", "La panadería de Soria cerró; el señor Ortega no."),
    ("e.txt", "Un tren sale de Soria hacia Teruel cada mañana."),
    ("f.txt", "La biblioteca de Cuenca guarda mapas viejos."),
]
QUESTIONS = (
    "¿Qué puente cruza el Júcar?",
    "¿Quién vende roscas de anís en Cuenca?",
    "¿De dónde sale el tren hacia Teruel?",
    "¿Con qué celebró Teruel la final?",
    "¿Qué hizo Ortega en Soria?",
    "¿Cuánto costó?",
)
K1, B = 0.9, 0.4


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    folder = tmp_path_factory.mktemp("town")
    (folder / "articles").mkdir()
    for name, content in FILES.items():
        (folder / "articles" / name).write_bytes(content)
    return Assistant(Settings(folder / "articles", folder / "index"), FakeEmbedder(), FakeModel())


def asked(text: str, *history: str) -> Question:
    return Question("q", "dev", "object", "es", text, True, (("algo",),), history=history)


def bm25(question: str, texts: Sequence[str]) -> list[float]:
    """Lucene's BM25, which leaves the constant k1 + 1 out; the terms here have no kin and no thesaurus."""
    bags = [Counter(analyse(text)) for text in texts]
    mean_length = sum(bag.total() for bag in bags) / len(bags)
    scores = [0.0] * len(texts)
    for term in dict.fromkeys(analyse(question)):
        holding = sum(term in bag for bag in bags)
        rarity = math.log(1 + (len(bags) - holding + 0.5) / (holding + 0.5))
        for place, bag in enumerate(bags):
            saturated = bag[term] / (bag[term] + K1 * (1 - B + B * bag.total() / mean_length))
            scores[place] += rarity * saturated
    return scores


def cosines(question: str, texts: Sequence[str]) -> list[float]:
    """Of the fake embedder's vectors, a text at a time."""
    embedder = FakeEmbedder()
    vector = embedder.encode([question])[0].astype(float)
    return [float(vector @ embedder.encode([text])[0].astype(float)) for text in texts]


def shown(record: Record, assistant: Assistant) -> list[tuple[str, str]]:
    """File and text of the passages of a record."""
    texts = texts_of(assistant)
    return [(each["file"], texts[each["file"]][each["start"] : each["end"]]) for each in record["passages"]]


def require_standing(record: Record, assistant: Assistant) -> None:
    """Every citation stands in its file, on its line, and the judge finds it valid."""
    texts, documents = texts_of(assistant), {each.file: each for each in assistant.index().documents}
    for citation in record["citations"]:
        text = texts[citation["file"]]
        assert text == FILES[citation["file"]].decode("cp1252" if citation["file"] == "d.txt" else "utf-8-sig")
        assert stands(citation, text)
        assert citation["sha256"] == documents[citation["file"]].sha256
        assert citation["quote"].splitlines()[0] in text.split("\n")[citation["line"] - 1]
        assert (citation["answer_start"], citation["answer_end"]) == (citation["start"], citation["end"])
    assert judge(asked("¿Qué?"), record, texts).scores["valid"] == 1.0


# --- the best sentence


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_best_sentence_is_that_of_the_highest_bm25(assistant: Assistant, question: str) -> None:
    record = BestSentence(assistant).answer(asked(question))
    scores = bm25(question, [text for _, text in SENTENCES])
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    assert scores[order[0]] > scores[order[1]] + 0.01  # there is one best
    assert (record["citations"][0]["file"], record["citations"][0]["quote"]) == SENTENCES[order[0]]
    assert record["answer"] == f"{SENTENCES[order[0]][1]} [1]"
    assert record["confidence"] == pytest.approx(1 - math.exp(-scores[order[0]] / 10), abs=1e-5)
    # The sort is stable: of equal scores the sentence that stands first.
    assert shown(record, assistant) == [SENTENCES[place] for place in order[:5]]
    assert [each["score"] for each in record["passages"]] == pytest.approx([scores[i] for i in order[:5]], abs=1e-4)
    require_standing(record, assistant)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_nearest_sentence_is_that_of_the_highest_cosine(assistant: Assistant, question: str) -> None:
    record = NearestSentence(assistant).answer(asked(question))
    near = cosines(question, [text for _, text in SENTENCES])
    order = sorted(range(len(near)), key=lambda place: -near[place])
    assert near[order[0]] > near[order[1]] + 0.001
    assert (record["citations"][0]["file"], record["citations"][0]["quote"]) == SENTENCES[order[0]]
    assert shown(record, assistant) == [SENTENCES[place] for place in order[:5]]
    assert record["confidence"] == pytest.approx(near[order[0]], abs=1e-5)
    require_standing(record, assistant)


def test_the_vectors_of_the_installed_model_decide_in_the_five_articles() -> None:
    real = pipeline().assistant
    record = NearestSentence(real).answer(asked("¿Qué le regaló Putin a Kim en febrero?"))
    quotes = [text for _, text in shown(record, real)]
    everything = [each.text[start:end] for each in real.index().documents for start, end in sentences(each.text)]
    others = everything[::9]
    near = real.embedder.encode([*quotes, *others]) @ real.embedder.encode([record["question"]])[0]
    assert record["citations"][0]["quote"] == quotes[0] and len(quotes) == 5
    assert record["confidence"] == pytest.approx(float(near[0]), abs=1e-4)
    assert near[0] == pytest.approx(near.max(), abs=1e-4)
    assert list(near[:5]) == sorted(near[:5], reverse=True)


@pytest.mark.parametrize("kind", [BestSentence, NearestSentence])
def test_nothing_is_refused_even_where_no_word_is_shared(assistant: Assistant, kind: type[BestSentence]) -> None:
    record = kind(assistant).answer(asked("¿Zzyzx qwfp?"))
    assert (record["abstained"], record["reason"], len(record["citations"])) == (False, None, 1)
    assert 0 <= record["confidence"] <= 1
    if kind is BestSentence:  # all score 0, so that the first sentence of all stands first
        assert (record["citations"][0]["quote"], record["confidence"]) == (SENTENCES[0][1], 0.0)


@pytest.mark.parametrize("kind", [BestSentence, NearestSentence])
def test_records_have_what_is_judged_and_measured(assistant: Assistant, kind: type[BestSentence]) -> None:
    system: System = kind(assistant)
    system.prepare()
    record = system.answer(asked(QUESTIONS[0]))
    assert (record["id"], record["question"], record["understood"]) == ("q", QUESTIONS[0], None)
    assert record["tokens"] == {"prompt": 0, "decoded": 0}
    assert record["seconds"]["total"] == record["seconds"]["search"] > 0
    assert record["seconds"]["read"] == 0
    row = run(system, [asked(QUESTIONS[0])], texts_of(assistant))[0]
    assert (row.outcome, row.scores["uncited"]) == ("wrong", 0.0)
    assert not [name for name in row.scores if "." in name]  # rankings are the assistant's


def test_a_question_with_a_history_is_searched_with_what_was_asked_before(assistant: Assistant) -> None:
    question = asked("¿Y en Soria?", "¿Qué vende Ortega?", "¿Dónde hay trenes?")
    assert searched(question) == "¿Qué vende Ortega? ¿Dónde hay trenes? ¿Y en Soria?"
    for kind in (BestSentence, NearestSentence):
        record = kind(assistant).answer(question)
        whole = kind(assistant).answer(asked(searched(question)))
        assert record["question"] == "¿Y en Soria?"
        assert record["passages"] == whole["passages"]
        assert record["passages"] != kind(assistant).answer(asked("¿Y en Soria?"))["passages"]


# --- the naive build


class Told(Naive):
    """Writes what a test says; remembers what it was shown."""

    def __init__(self, assistant: Assistant, text: str) -> None:
        super().__init__(assistant)
        self._text = text
        self.shown: list[tuple[str, list[str]]] = []

    def _written(self, question: str, passages: Sequence[str]) -> tuple[str, dict[str, int]]:
        self.shown.append((question, list(passages)))
        return self._text, {"prompt": 90, "decoded": 7}


def nearest_files(question: str) -> list[str]:
    """The files from near to far: each is one passage."""
    texts = [content.decode("cp1252" if name == "d.txt" else "utf-8-sig").strip() for name, content in FILES.items()]
    near = cosines(question, texts)
    return [name for _, name in sorted(zip(near, FILES, strict=True), key=lambda pair: -pair[0])]


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_shown_the_four_nearest_passages(assistant: Assistant, question: str) -> None:
    told = Told(assistant, "Nada.")
    record = told.answer(asked(question))
    expected = nearest_files(question)[:4]
    assert len(assistant.index().passages) == len(FILES)
    assert [each["file"] for each in record["passages"]] == expected
    assert told.shown == [(question, [plain(text)[0] for _, text in shown(record, assistant)])]
    texts = texts_of(assistant)
    assert [text for _, text in shown(record, assistant)] == [texts[file].strip() for file in expected]


def test_its_sources_are_the_passages_that_it_names_and_was_shown(assistant: Assistant) -> None:
    record = Told(assistant, "Ortega [2]. El puente [5][1] [0] y [2] otra vez [44]. [4]").answer(asked(QUESTIONS[0]))
    files = nearest_files(QUESTIONS[0])
    assert [(each["marker"], each["file"]) for each in record["citations"]] == [
        (2, files[1]),
        (1, files[0]),
        (4, files[3]),
    ]
    assert record["answer"] == "Ortega [2]. El puente [5][1] [0] y [2] otra vez [44]. [4]"
    assert (record["abstained"], record["confidence"]) == (False, None)
    require_standing(record, assistant)
    texts = [text for _, text in shown(record, assistant)]
    assert [each["quote"] for each in record["citations"]] == [texts[1], texts[0], texts[3]]


def test_without_a_marker_it_has_no_source_and_nothing_valid(assistant: Assistant) -> None:
    record = Told(assistant, "El puente cruza el Júcar.").answer(asked(QUESTIONS[0]))
    assert (record["citations"], record["abstained"]) == ([], False)
    row = judge(asked(QUESTIONS[0]), record, texts_of(assistant))
    assert (row.scores["valid"], row.scores["uncited"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("No consta.", True),
        ("Según [1], eso NO CONSTA en los pasajes.", True),
        ("", True),
        (" \n", True),
        ("Consta que no.", False),
        ("El sino constaba. [1]", False),
        ("No lo sé [1].", False),
    ],
)
def test_no_consta_counts_as_a_refusal_and_silence_too(assistant: Assistant, text: str, refused: bool) -> None:
    record = Told(assistant, text).answer(asked(QUESTIONS[0]))
    assert (record["abstained"], record["reason"]) == (refused, "no_evidence" if refused else None)
    assert len(record["citations"]) == (not refused and "[1]" in text)
    question = replace(asked(QUESTIONS[0]), answerable=False, answers=())
    assert judge(question, record, texts_of(assistant)).scores["refused"] == float(refused)


def test_it_is_charged_with_its_tokens_and_its_time(assistant: Assistant) -> None:
    record = Told(assistant, "Nada.").answer(asked("¿Y en Soria?", "¿Qué vende Ortega?"))
    assert record["tokens"] == {"prompt": 90, "decoded": 7}
    seconds = record["seconds"]
    assert seconds["search"] > 0 and seconds["read"] > 0
    assert seconds["search"] + seconds["read"] == pytest.approx(seconds["total"])
    assert record["question"] == "¿Y en Soria?"


def test_what_does_not_fit_its_context_is_an_error_and_no_crash() -> None:
    # More than 4,096 tokens in any spelling; the installed model counts them, and evaluates none.
    long = asked("¿Qué? " + "Щ" * 5000)
    record = Naive(pipeline().assistant).answer(long)
    assert list(record) == ["id", "question", "error"]
    assert re.match(
        r"a question that is too long \(Requested tokens \(\d+\) exceed .+\); expected at most 4096 ", record["error"]
    )
    assert judge(long, record, {}).outcome == "failed"


def test_systems_have_names_of_their_own(assistant: Assistant) -> None:
    names = [system(assistant).name for system in (BestSentence, NearestSentence, Naive)]
    assert names == ["best BM25 sentence", "dense retrieval alone", "naive build"]
    assert np.unique(names).size == 3
