"""Whatever a reader proposes, each quotation of an answer stands in its file.

Articles lie on disk in several encodings, accents and line ends in several forms. Drafts are arbitrary; what the last
gate lets through is looked up in the files by Python alone, and checked as `qa verify` checks it.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Document
from qa.proof import proven, require_unchanged
from qa.reader import Reading
from qa.types import Citation, Draft, Part, Span
from qa.verification import judge
from tests.torture.records import record, served, verdicts
from tests.torture.trials import trials

SENTENCES = st.sampled_from(
    [
        "Kim recibió a Putin en junio de 2000. ",
        "El Sr. Güell contó 5.000 misiles [3]; ",
        "«Volveré», dijo. ",
        "En Pyongyang, nadie más habló 🚗. ",
        "cora\u00adzón\u200b y\u00a0fe ",
        "x\u202e\x07y ",
        "palabra " * 60,
        "· [2] · ",
    ]
)
BREAKS = st.sampled_from(["", "\n", "\r\n", "\r", "\n\n", "\u2028", "\x0b"])
CHARACTERS = st.sampled_from("aáñü .,;:…«»\"'!?[]12·\ufeff\u0301\u00ad\t\r\n")
LOOSE = st.text(CHARACTERS | st.characters(exclude_categories=["Cs"]))
TEXTS = st.lists(st.tuples(SENTENCES | LOOSE, BREAKS).map("".join), min_size=2, max_size=12).map("".join)
FORMS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16, the other way": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "cp1252": lambda text: text.encode("cp1252", "ignore"),
    "accents apart": lambda text: unicodedata.normalize("NFD", text).encode(),
    "lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "lines of old": lambda text: text.replace("\r\n", "\r").replace("\n", "\r").encode(),
}
FILES = ("a.txt", "ñ/b.md")


@st.composite
def parts(draw: st.DrawFn, documents: Mapping[str, Document]) -> Part:
    """A part that says anything of any place, and some of the time what stands there."""
    identity = draw(st.sampled_from([*documents, *documents, "nowhere"]))
    text = documents[identity].text if identity in documents else "…"
    inside = st.integers(0, len(text))
    offsets = inside | inside | inside | st.sampled_from([-1, len(text) + 1, -(10**30), 10**30])
    start, end = draw(offsets), draw(offsets)
    span = Span(identity, *(sorted((start, end)) if draw(st.integers(0, 9)) else (start, end)))
    true = st.just(text[max(0, span.start) : max(0, span.end)])
    words = draw(true | true | true.map(str.upper) | true.map(lambda words: words + "s") | LOOSE)
    more = [Span(each, 0, len(documents[each].text)) for each in documents if draw(st.booleans())]
    return Part(words, (span, *more)[: draw(st.integers(0, 3))], draw(st.booleans()))


def is_resolved(citation: Citation, root: Path) -> bool:
    """Whether a quotation stands where it is said to, looked up without any of the program."""
    text = (root / citation.file).read_bytes().decode(citation.encoding)
    inside = citation.start <= citation.answer_start < citation.answer_end <= citation.end
    return inside and text[citation.start : citation.end] == citation.quote


def test_every_quotation_of_any_draft_resolves(
    tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]
) -> None:
    root = tmp_path_factory.mktemp("trial") / "articles"
    root.mkdir()
    counted: Counter[str] = Counter()

    @settings(max_examples=trials(60, 6_000), derandomize=True)
    @given(data=st.data())
    def resolves(data: st.DataObject) -> None:
        forms = [data.draw(st.sampled_from(list(FORMS))) for _ in FILES]
        documents = served(root, {file: FORMS[form](data.draw(TEXTS)) for file, form in zip(FILES, forms, strict=True)})
        drafts = st.lists(parts(documents), min_size=1, max_size=6).map(lambda each: Draft(tuple(each), 0.5))
        found = proven(Reading(data.draw(drafts), data.draw(drafts)), documents, ())
        citations = found.verified.citations
        require_unchanged(root, citations)
        assert all(is_resolved(citation, root) for citation in citations)
        assert set(verdicts(root, record(found))) <= {"holds"}
        counted["drafts"] += 1
        counted["quotations"] += len(citations)
        counted.update({documents[key].encoding for key in documents} if citations else [])

    resolves()
    figure(f"{counted.pop('drafts'):,} drafts, {counted.pop('quotations'):,} quotations, all resolve; {dict(counted)}")


@pytest.mark.parametrize("form", FORMS)
def test_any_run_of_any_form_of_a_file_resolves(form: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    (root := tmp_path / "articles").mkdir()
    text = "Titular\nKim reci\u0301bió a Gu\u0308ell, cora\u00adzón.\r\nEn 2000\u2028nadie habló\rni\u00a0calló. Fin."
    documents = served(root, {"a.txt": FORMS[form](text)})
    [document] = documents.values()
    random, resolved = Random(0), 0
    for _ in range(trials(50, 2_000)):
        start, end = sorted(random.sample(range(len(document.text) + 1), 2))
        said = Draft((Part(document.text[start:end], (Span(document.id, start, end),), copied=True),), 0.5)
        found = proven(Reading(said, Draft((), 0.0)), documents, ())
        if document.text[start:end].strip():
            [citation] = found.verified.citations
            assert is_resolved(citation, root)
            assert verdicts(root, record(found)) == ["holds"]
            resolved += 1
    figure(f"{resolved:,} quotations of runs drawn, all resolve")


def test_a_gate_that_believes_the_reader_is_seen(tmp_path: Path) -> None:
    documents = served(root := tmp_path, {"a.txt": b"Kim vino. Putin no.\n"})
    [document] = documents.values()
    believed = Citation(1, "a.txt", document.sha256, "utf-8", 0, 9, 1, "Kim murió", 0, 9)
    assert not is_resolved(believed, root)
    assert judge(asdict(believed), root) == "never stood there"
