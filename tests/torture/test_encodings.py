"""The same articles in any encoding, form of accents and kind of line ends give the same answers, each quotation exact.

With the installed models: what they are shown is plain text, so that all that differs is where it stands in the file.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from index.corpus import read
from index.embedder import Embedder, open_embedder
from index.plain import plain
from qa.answer import ADAPTER, Assistant
from qa.citations import cite
from qa.model import LlamaModel
from qa.opening import known_model
from qa.reader import read_runs
from qa.record import to_json
from qa.settings import Settings
from qa.types import Answer, Span
from qa.verification import judge
from tests.commands import GIFT, ROOT, SEEDS
from tests.models import THREADS
from tests.torture.trials import TORTURE

QUESTIONS = (
    GIFT,
    "¿Dónde tuvo lugar la primera cumbre de Kim y Putin?",
    "¿Quién es el jefe del comité militar de la OTAN?",
    "¿Qué días de enero estuvo Choe en Rusia?",
    "¿Cuántos proyectiles de artillería ha suministrado Corea del Norte a Rusia?",
    "¿Por qué viajó Choe a Rusia?",
    "resume el artículo 3",
    "¿Cuánto cuesta un kilo de manzanas en Chile?",
)
ENCODINGS: dict[str, tuple[str, str]] = {
    "utf-8": ("utf-8", "\n"),
    "utf-8 with a mark": ("utf-8-sig", "\n"),
    "utf-16": ("utf-16", "\n"),
    "utf-16, big end first": ("utf-16-be", "\n"),
    "cp1252": ("cp1252", "\n"),
    "CRLF": ("utf-8", "\r\n"),
    "lone CR": ("utf-8", "\r"),
}
Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")


class Remembering:
    """The installed embedding model; counts the texts that it had not seen."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.digest, self.dimension = embedder.name, embedder.digest, embedder.dimension
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}
        self.new: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        unknown = [text for text in texts if text not in self._known]
        self.new += unknown
        # One by one: how a text is padded decides the last digits of its vector.
        self._known.update((text, self._embedder.encode([text])[0]) for text in unknown)
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Models:
    embedder: Remembering
    reader: LlamaModel


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    reader = known_model(Settings(corpus=SEEDS, threads=THREADS), ROOT / "qa" / ADAPTER)
    yield Models(Remembering(open_embedder()), reader)
    reader.close()


def written(folder: Path, encoding: str, form: Form) -> Path:
    """The seeds in another encoding; a mark is put where UTF-16 does not bring its own."""
    codec, end = ENCODINGS[encoding]
    folder.mkdir()
    for path in SEEDS.iterdir():
        text = unicodedata.normalize(form, path.read_text("utf-8")).replace("\n", end)
        mark = "\ufeff" if codec == "utf-16-be" else ""
        (folder / path.name).write_bytes((mark + text).encode(codec))
    return folder


def asked(
    folder: Path, index_dir: Path, models: Models, questions: Sequence[str]
) -> list[tuple[Answer, dict[str, str]]]:
    assistant = Assistant(
        Settings(corpus=folder, index_dir=index_dir), models.embedder, models.reader, reading=read_runs
    )
    return [(assistant.ask(question), assistant.files) for question in questions]


def said(answer: Answer) -> tuple[object, ...]:
    """What must not depend on how the file was written."""
    cited = [(each.marker, each.file, each.line, plain(each.quote)[0]) for each in answer.citations]
    passages = [(plain(hit.passage.text)[0], round(hit.score, 6)) for hit in answer.hits]
    return answer.text, answer.abstained, answer.reason, answer.confidence, answer.understood, cited, passages


def possible(encoding: str, form: str) -> bool:
    """Whether there is such a file: cp1252 has no accents by themselves."""
    return (encoding, form) != ("cp1252", "NFD")


def test_answers_are_the_same_and_quotations_exact(
    tmp_path: Path, models: Models, figure: Callable[[str], None]
) -> None:
    questions = QUESTIONS if TORTURE else QUESTIONS[:2]
    variants = [pair for pair in product(ENCODINGS, FORMS) if possible(*pair)]
    if not TORTURE:
        variants = [variants[2], *variants[-3:]]
    expected = [said(answer) for answer, _ in asked(SEEDS, tmp_path / "seeds", models, questions)]
    assert sum(not each[1] for each in expected) >= len(questions) - 2
    models.embedder.new.clear()
    quotations = 0
    for number, (encoding, form) in enumerate(variants):
        folder = written(tmp_path / str(number), encoding, form)
        answers = asked(folder, tmp_path / f"index{number}", models, questions)
        assert [said(answer) for answer, _ in answers] == expected, (encoding, form)
        for answer, files in answers:
            cited = json.loads(to_json(answer, files))["citations"]
            assert {judge(each, folder) for each in cited} <= {"holds"}, (encoding, form)
            quotations += len(cited)
    assert models.embedder.new == []
    figure(
        f"{len(variants)} ways of writing, {len(questions)} questions: {quotations} quotations hold, 0 answers differ"
    )


def test_a_quotation_at_offsets_of_the_plain_text_would_not_hold(tmp_path: Path) -> None:
    folder = written(tmp_path / "seeds", "CRLF", "NFD")
    article = read(folder, "003_6b36a17d40a337a5.txt")
    start = article.text.index("una limusina")
    right = cite(article, Span(article.id, start, start + 12))
    assert judge(asdict(right), folder) == "holds"
    wrong = cite(replace(article, layout=None), Span(article.id, start, start + 12))
    assert judge(asdict(wrong), folder) == "never stood there"
