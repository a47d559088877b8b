"""What may be shown of a reading: growing answers, several answers as one, and quotations that stand in their files."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import corpus
from index.errors import CorpusError
from index.types import Document, Hit, Passage
from qa.citations import Statement, cite, verify
from qa.proof import NO_ANSWER, Found, merged, proven, refusal, require_unchanged, telling
from qa.reader import Reading
from qa.types import Citation, Draft, Part, Span

TEXTS = {
    "a.txt": "Kim recibió a Putin en junio de 2000.\nPutin le regaló una limusina rusa de lujo.\n",
    "b.txt": "La ONU contó 5.000 misiles en Pyongyang. Nadie más habló.\n",
}
GIFT = "Putin le regaló una limusina rusa de lujo."
MEETING = "Kim recibió a Putin en junio de 2000."
COUNT = "La ONU contó 5.000 misiles en Pyongyang."


def documents_in(root: Path) -> dict[str, Document]:
    for file, text in TEXTS.items():
        (root / file).write_text(text, encoding="utf-8")
    read = [corpus.read(root, file) for file in TEXTS]
    return {document.file: replace(document, id=document.file) for document in read}


@pytest.fixture
def documents(tmp_path: Path) -> dict[str, Document]:
    """The articles by their file names, which are their identities here."""
    return documents_in(tmp_path)


def place(words: str) -> Span:
    file = next(file for file, text in TEXTS.items() if words in text)
    start = TEXTS[file].index(words)
    return Span(file, start, start + len(words))


def copied(words: str) -> Part:
    return Part(words, (place(words),), copied=True)


def composed(text: str, *quotes: str) -> Part:
    return Part(text, tuple(map(place, quotes)), copied=False)


# --- an answer as it grows


class Told:
    """Remembers what it was told: statements, and the quotations that came with each."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.citations: list[Citation] = []
        self.quotes: list[list[str]] = []

    def understood(self, question: str) -> None:
        raise AssertionError(f"{question} is no statement")

    def stated(self, statement: Statement, citations: tuple[Citation, ...]) -> None:
        self.statements.append(statement)
        self.citations.extend(citations)
        self.quotes.append([each.quote for each in citations])


def grow(parts: Sequence[Part], documents: dict[str, Document], root: Path) -> Told:
    told = Told()
    watch = telling(told, documents, root)
    for count in range(1, len(parts) + 1):
        watch(parts[:count])
    return told


def test_each_statement_is_told_once_with_its_own_quotations(documents: dict[str, Document], tmp_path: Path) -> None:
    gift, count = composed("Putin regaló una limusina de lujo.", GIFT), composed("La ONU contó 5.000 misiles.", COUNT)
    told = grow([gift, count], documents, tmp_path)
    assert told.statements == [Statement(gift.text, (1,)), Statement(count.text, (2,))]
    assert told.quotes == [[GIFT], [COUNT]]


def test_a_quotation_that_was_told_is_not_told_again(documents: dict[str, Document], tmp_path: Path) -> None:
    gift, luxury = composed("Putin regaló una limusina.", GIFT), composed("La limusina era rusa, de lujo.", GIFT)
    both = composed("Putin regaló una limusina y la ONU contó 5.000 misiles.", GIFT, COUNT)
    told = grow([gift, luxury, both], documents, tmp_path)
    assert [each.markers for each in told.statements] == [(1,), (1,), (1, 2)]
    assert told.quotes == [[GIFT], [], [COUNT]]


def test_nothing_unproven_is_told(documents: dict[str, Document], tmp_path: Path) -> None:
    invented, gift = composed("La ONU contó 6.000 misiles.", COUNT), composed("Putin regaló una limusina.", GIFT)
    nowhere = Part("Nadie habló.", (Span("c.txt", 0, 5),), copied=False)
    told = grow([invented, nowhere, gift], documents, tmp_path)
    assert told.statements == [Statement(gift.text, (1,))]


def test_parts_that_come_together_are_told_one_by_one(documents: dict[str, Document], tmp_path: Path) -> None:
    told = Told()
    telling(told, documents, tmp_path)([copied(GIFT), copied(COUNT)])
    assert [(each.text, each.markers) for each in told.statements] == [(GIFT, (1,)), (COUNT, (2,))]
    assert told.quotes == [[GIFT], [COUNT]]


def test_without_parts_nothing_is_told(documents: dict[str, Document], tmp_path: Path) -> None:
    told = Told()
    telling(told, documents, tmp_path)([])
    assert told.statements == []


def test_what_its_file_no_longer_says_is_not_told(documents: dict[str, Document], tmp_path: Path) -> None:
    told = Told()
    watch = telling(told, documents, tmp_path)
    watch([copied(GIFT)])
    (tmp_path / "b.txt").write_text(TEXTS["b.txt"].replace("5.000", "6.000"), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"b\.txt changed"):
        watch([copied(GIFT), copied(COUNT)])
    assert [each.text for each in told.statements] == [GIFT]


POOL = (
    copied(GIFT),
    copied(MEETING),
    copied(COUNT),
    Part(COUNT, (place(GIFT),), copied=True),
    composed("Putin regaló una limusina rusa.", GIFT),
    composed("Kim recibió a Putin y la ONU contó 5.000 misiles.", MEETING, COUNT),
    composed("La ONU contó 6.000 misiles.", COUNT),
    composed("Kim met Putin in the year 2000.", MEETING),
    composed("The UN did count 5.000 of them in Pyongyang.", COUNT),
)


@given(st.lists(st.sampled_from(POOL), max_size=6))
def test_what_is_told_is_what_is_answered_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, parts: list[Part]
) -> None:
    root = tmp_path_factory.mktemp("articles", numbered=True)
    documents = documents_in(root)
    told = grow(parts, documents, root)
    found = proven(Reading(Draft(tuple(parts), 0.5), Draft((), 0.5)), documents, ())
    if found.reason:
        assert (found.reason, found.verified.text, told.statements) == ("unsupported", NO_ANSWER, [])
    else:
        assert tuple(told.statements) == found.verified.statements
        assert tuple(told.citations) == found.verified.citations


# --- a reading that holds, in part or not


def test_where_nothing_of_a_draft_holds_the_best_quotation_is_answered(documents: dict[str, Document]) -> None:
    invented = composed("La ONU contó 6.000 misiles.", COUNT)
    found = proven(Reading(Draft((invented,), 0.9), Draft((copied(COUNT),), 0.4)), documents, ())
    assert (found.reason, found.verified.text, found.confidence) == (None, f"{COUNT} [1]", 0.4)
    assert [each.text for each in found.verified.rejected] == [invented.text]


def test_where_no_quotation_holds_either_there_is_no_answer(documents: dict[str, Document]) -> None:
    invented, altered = composed("La ONU contó 6.000 misiles.", COUNT), Part("Otra cosa", (place(GIFT),), copied=True)
    hit = Hit(Passage("p", "a.txt", 0, 5, "Kim r"), 1.0, 1, "lexical")
    found = proven(Reading(Draft((invented,), 0.9), Draft((altered,), 0.4)), documents, (hit,))
    assert (found.reason, found.verified.text, found.verified.citations) == ("unsupported", NO_ANSWER, ())
    assert [each.text for each in found.verified.rejected] == [invented.text, altered.text]
    assert found.hits == (hit,)


# --- several answers as one

ASKED = ("¿Qué le regaló Putin?", "¿Quién contó misiles?", "¿Cuándo se vieron?")


def answered(*quotes: str, confidence: float | None = 0.5) -> Found:
    """An answer of statements that are each a quotation."""
    known = {file: Document(file, file, "0" * 64, "utf-8", text) for file, text in TEXTS.items()}
    return Found(verify(Draft(tuple(map(copied, quotes)), 1.0), known), confidence)


def refused(confidence: float = 0.1) -> Found:
    return refusal("low_confidence", (), confidence)


def quoted(found: Found) -> list[tuple[int, str]]:
    return [(each.marker, each.quote) for each in found.verified.citations]


def hits(*passages: str) -> tuple[Hit, ...]:
    return tuple(
        Hit(Passage(name, "d", 0, len(name), name), 1.0 / rank, rank, "dense") for rank, name in enumerate(passages, 1)
    )


def test_answers_are_put_side_by_side_and_numbered_anew() -> None:
    found = merged(ASKED, [answered(GIFT), answered(COUNT), answered(MEETING)])
    assert found.verified.text == f"{GIFT} [1] · {COUNT} [2] · {MEETING} [3]"
    assert quoted(found) == [(1, GIFT), (2, COUNT), (3, MEETING)]
    assert found.reason is None


def test_of_each_answer_the_best_statement_is_taken_with_its_quotations() -> None:
    found = merged(ASKED[:2], [answered(GIFT, MEETING), answered(COUNT, GIFT)])
    assert found.verified.text == f"{GIFT} [1] · {COUNT} [2]"
    assert quoted(found) == [(1, GIFT), (2, COUNT)]


def test_a_quotation_that_two_answers_share_is_cited_once() -> None:
    car = answered("una limusina rusa")
    found = merged(ASKED, [answered(COUNT), answered(GIFT), car])
    assert found.verified.text == f"{COUNT} [1] · {GIFT} [2] · una limusina rusa [2]"
    assert quoted(found) == [(1, COUNT), (2, GIFT)]


def test_the_same_answer_to_two_questions_is_given_once() -> None:
    assert merged(ASKED[:2], [answered(GIFT), answered(GIFT)]).verified.text == f"{GIFT} [1]"


def test_a_statement_with_several_quotations_keeps_them_all() -> None:
    documents = {file: Document(file, file, "0" * 64, "utf-8", text) for file, text in TEXTS.items()}
    both = composed("Kim recibió a Putin y la ONU contó 5.000 misiles.", MEETING, COUNT)
    one = Found(verify(Draft((both,), 1.0), documents), 0.5)
    found = merged(ASKED[:2], [answered(GIFT), one])
    assert found.verified.text == f"{GIFT} [1] · {both.text} [2][3]"
    assert quoted(found) == [(1, GIFT), (2, MEETING), (3, COUNT)]


@pytest.mark.parametrize("place_of_refusal", [0, 1])
def test_a_question_that_is_refused_is_named(place_of_refusal: int) -> None:
    parts = [answered(GIFT), answered(GIFT)]
    parts[place_of_refusal] = refused()
    found = merged(ASKED[:2], parts)
    statements = [f"{GIFT} [1]", f"{GIFT} [1]"]
    statements[place_of_refusal] = f"No consta: {ASKED[place_of_refusal]}"
    assert found.verified.text == " · ".join(statements)
    assert found.reason is None
    assert quoted(found) == [(1, GIFT)]


def test_where_all_are_refused_the_whole_is_for_the_first_reason() -> None:
    found = merged(ASKED[:2], [refusal("outside_dates", (), 0.0), refused()])
    assert (found.verified.text, found.verified.citations, found.reason) == (NO_ANSWER, (), "outside_dates")


def test_nothing_is_surer_than_its_weakest_answer() -> None:
    assert merged(ASKED, [answered(GIFT, confidence=0.9), answered(COUNT, confidence=0.3), refused()]).confidence == 0.3
    assert merged(ASKED[:2], [answered(GIFT, confidence=0.9), answered(COUNT, confidence=None)]).confidence == 0.9
    assert merged(ASKED[:1], [answered(GIFT, confidence=None)]).confidence is None


@pytest.mark.parametrize("first", [answered(GIFT), refused()], ids=["answered", "refused"])
def test_passages_are_interleaved_and_ranked_anew(first: Found) -> None:
    found = merged(ASKED[:2], [replace(first, hits=hits("a", "b", "c")), replace(refused(), hits=hits("d", "e"))])
    assert [(hit.rank, hit.passage.id) for hit in found.hits] == [(1, "a"), (2, "d"), (3, "b"), (4, "e"), (5, "c")]
    assert [hit.score for hit in found.hits] == [1.0, 1.0, 1 / 2, 1 / 2, 1 / 3]


@given(st.lists(st.permutations("abcdef").map(lambda names: names[:4]), min_size=1, max_size=3))
def test_a_passage_of_several_searches_is_given_once(searches: list[list[str]]) -> None:
    found = merged(ASKED[: len(searches)], [replace(answered(GIFT), hits=hits(*each)) for each in searches])
    assert sorted(hit.passage.id for hit in found.hits) == sorted({name for each in searches for name in each})
    assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))


def test_a_notice_is_given_once() -> None:
    one, two = replace(answered(GIFT), notices=("uno", "dos")), replace(refused(), notices=("dos", "tres"))
    assert merged(ASKED[:2], [one, two]).notices == ("uno", "dos", "tres")
    assert merged(ASKED[:2], [two, two]).notices == ("dos", "tres")


def test_how_the_questions_were_understood_is_told_of_all_where_one_was_changed() -> None:
    plain, changed = answered(GIFT), replace(answered(COUNT), understood="¿Qué contó la ONU?")
    assert merged(ASKED[:2], [plain, plain]).understood is None
    assert merged(ASKED[:2], [plain, changed]).understood == f"{ASKED[0]} ¿Qué contó la ONU?"
    assert merged(ASKED[:2], [changed, replace(refused(), understood="¿Y?")]).understood == "¿Qué contó la ONU? ¿Y?"


def test_what_was_turned_down_and_the_time_of_all_searches_are_told() -> None:
    invented = composed("La ONU contó 6.000 misiles.", COUNT)
    known = {file: Document(file, file, "0" * 64, "utf-8", text) for file, text in TEXTS.items()}
    one = replace(answered(GIFT), search_seconds=0.25)
    other = Found(verify(Draft((copied(COUNT), invented), 1.0), known), 0.5, search_seconds=0.5)
    found = merged(ASKED[:2], [one, other])
    assert [each.text for each in found.verified.rejected] == [invented.text]
    assert found.search_seconds == 0.75


@given(st.lists(st.lists(st.sampled_from([GIFT, MEETING, COUNT]), max_size=3), min_size=1, max_size=3))
def test_every_marker_is_of_the_quotation_that_holds_its_statement(answers: list[list[str]]) -> None:
    found = merged(ASKED[: len(answers)], [answered(*quotes) if quotes else refused() for quotes in answers])
    assert [marker for marker, _ in quoted(found)] == list(range(1, len(quoted(found)) + 1))
    assert len(set(quoted(found))) == len({quote for _, quote in quoted(found)})
    for statement in found.verified.statements:
        held = [quote for marker, quote in quoted(found) if marker in statement.markers]
        assert held == ([] if statement.text.startswith("No consta") else [statement.text])
    best = [quotes[0] for quotes in answers if quotes]
    assert [quote for _, quote in quoted(found)] == list(dict.fromkeys(best))
    assert (found.reason is None) == bool(best)


# --- the files as they are now


def citations_in(root: Path) -> list[Citation]:
    documents = documents_in(root)
    return [cite(documents[span.document_id], span) for span in map(place, (GIFT, COUNT))]


def test_quotations_that_stand_in_their_files_pass(tmp_path: Path) -> None:
    citations = citations_in(tmp_path)
    require_unchanged(tmp_path, citations)
    for file in TEXTS:
        (tmp_path / file).touch()
    require_unchanged(tmp_path, citations)
    assert [each.quote for each in citations] == [GIFT, COUNT]


def test_only_the_files_that_are_cited_are_read(tmp_path: Path) -> None:
    gift, _ = citations_in(tmp_path)
    (tmp_path / "b.txt").unlink()
    require_unchanged(tmp_path, [gift])
    (tmp_path / "a.txt").unlink()
    require_unchanged(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (TEXTS["b.txt"].replace("5.000", "6.000").encode(), "b.txt changed while it was read"),
        # The quotation still stands there, but it is another file.
        (TEXTS["b.txt"].encode() + b"Fin.\n", "b.txt changed while it was read"),
        (TEXTS["b.txt"].encode("utf-8-sig"), "b.txt changed while it was read"),
        (b"\0\1\2", "b.txt is gone (binary data)"),
        (b"", "b.txt is gone (empty)"),
    ],
)
def test_a_file_that_changed_is_refused(raw: bytes, message: str, tmp_path: Path) -> None:
    citations = citations_in(tmp_path)
    (tmp_path / "b.txt").write_bytes(raw)
    with pytest.raises(CorpusError, match=re.escape(message)):
        require_unchanged(tmp_path, citations)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    citations = citations_in(tmp_path)
    (tmp_path / "b.txt").unlink()
    with pytest.raises(CorpusError, match=r"b\.txt is gone"):
        require_unchanged(tmp_path, citations)


@pytest.mark.parametrize("changes", [{"quote": GIFT.upper()}, {"sha256": "0" * 64}])
def test_a_quotation_that_never_stood_there_is_refused(changes: dict[str, str], tmp_path: Path) -> None:
    true = citations_in(tmp_path)[0]
    forged = replace(true, quote=changes.get("quote", true.quote), sha256=changes.get("sha256", true.sha256))
    with pytest.raises(CorpusError, match=r"a\.txt changed"):
        require_unchanged(tmp_path, [forged])
