import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.plain import plain
from index.types import Document
from qa.citations import (
    LONGEST_QUOTE_CHARACTERS,
    MOST_CITATIONS,
    MOST_QUOTED_CHARACTERS,
    Statement,
    Verified,
    cite,
    unsupported,
    verify,
)
from qa.types import Citation, Draft, Part, Rejected, Span

ARTICLE = (
    "Titular sin punto\r\n"
    "Kim recibió a Putin en junio de 2000. En febrero, Putin le regaló una limusina rusa de lujo.\r\n"
    "La ONU contó 5.000 misiles en Pyongyang. Nadie más habló 🚗.\n"
)
# A sentence of 523 characters in 13 clauses: twelve of 40 with their commas, and a last one.
LONG = (
    ", ".join(["una cláusula de treinta y ocho letras x"[:38]] * 12 + ["y la limusina de lujo al final de la frase"])
    + "."
)


def document(text: str, identity: str = "d") -> Document:
    return Document(identity, f"{identity}.txt", "0" * 64, "utf-8", text)


def read(written: str, identity: str) -> Document:
    """A document as it is read from a file that holds this."""
    return Document(identity, f"{identity}.txt", "0" * 64, "utf-8", *plain(written))


def span_of(text: str, words: str, identity: str = "d") -> Span:
    start = text.index(words)
    return Span(identity, start, start + len(words))


def copied(text: str, words: str) -> Part:
    return Part(words, (span_of(text, words),), copied=True)


def composed(statement: str, *spans: Span) -> Part:
    return Part(statement, spans or (Span("d", 0, len(ARTICLE)),), copied=False)


def verified(*parts: Part, text: str = ARTICLE, translated: bool = False) -> Verified:
    return verify(Draft(parts, 1.0), {"d": document(text)}, translated)


# --- one citation


def test_the_whole_sentence_is_quoted_and_the_answer_marked_in_it() -> None:
    citation = cite(document(ARTICLE), span_of(ARTICLE, "una limusina rusa de lujo"))
    assert citation.quote == "En febrero, Putin le regaló una limusina rusa de lujo."
    assert ARTICLE[citation.answer_start : citation.answer_end] == "una limusina rusa de lujo"
    assert (citation.file, citation.sha256, citation.encoding) == ("d.txt", "0" * 64, "utf-8")


@pytest.mark.parametrize(("words", "line"), [("Titular", 1), ("limusina", 2), ("Nadie", 3)])
def test_lines_count_from_one(words: str, line: int) -> None:
    assert cite(document(ARTICLE), span_of(ARTICLE, words)).line == line


def test_an_answer_across_sentences_is_quoted_with_both() -> None:
    words = "junio de 2000. En febrero"
    quote = cite(document(ARTICLE), span_of(ARTICLE, words)).quote
    assert quote == "Kim recibió a Putin en junio de 2000. En febrero, Putin le regaló una limusina rusa de lujo."


def test_a_long_sentence_is_clipped_at_the_ends_of_clauses() -> None:
    citation = cite(document(LONG), span_of(LONG, "la limusina"))
    assert len(LONG) == 523 > LONGEST_QUOTE_CHARACTERS
    # The clause of the answer and, of 400 characters, the eight before it that there is room for.
    assert citation.start == 4 * 40
    assert citation.quote.endswith("letras , y la limusina de lujo al final de la frase.")
    first = cite(document(LONG), span_of(LONG, "treinta"))
    # The first ten clauses, without the last comma.
    assert (first.start, first.quote) == (0, LONG[: 10 * 40].rstrip(", "))


def test_an_answer_longer_than_a_quotation_is_cut_to_it() -> None:
    text = "palabra " * 100
    citation = cite(document(text), Span("d", 8, 790))
    assert (citation.start, citation.end) == (8, 8 + LONGEST_QUOTE_CHARACTERS)
    assert (citation.answer_start, citation.answer_end) == (citation.start, citation.end)


def test_an_answer_of_punctuation_at_the_end_of_a_clipped_quotation_stays_in_it() -> None:
    text = "a" * 399 + "," + "b" * 50
    citation = cite(document(text), Span("d", 399, 400))
    assert text[citation.answer_start : citation.answer_end] == ","


# --- copied parts


def test_copied_words_are_stated_with_their_marker() -> None:
    found = verified(copied(ARTICLE, "una limusina rusa de lujo"), copied(ARTICLE, "5.000 misiles"))
    assert found.text == "una limusina rusa de lujo [1] · 5.000 misiles [2]"
    assert [citation.marker for citation in found.citations] == [1, 2]
    assert found.rejected == ()


@pytest.mark.parametrize("text", ["una limusina rusa", "una Limusina rusa de lujo", "una limusina rusa de luj0", " "])
def test_copied_words_that_differ_are_rejected(text: str) -> None:
    found = verified(Part(text, (span_of(ARTICLE, "una limusina rusa de lujo"),), copied=True))
    assert (found.text, found.citations) == ("", ())
    assert found.rejected[0].text == text


@pytest.mark.parametrize(
    "span", [Span("other", 0, 5), Span("d", 5, 5), Span("d", -5, 5), Span("d", 0, len(ARTICLE) + 1)], ids=str
)
def test_evidence_that_does_not_exist_is_none(span: Span) -> None:
    assert verified(Part("Titular", (span,), copied=True)).rejected == (Rejected("Titular", "no evidence given"),)


def test_words_of_one_sentence_share_its_citation() -> None:
    # A sentence of some 250 characters counts once, however many of its words are stated.
    text = "uno, dos, tres, cuatro y cinco" + " y muchos más" * 17 + "."
    found = verified(*(copied(text, words) for words in ("uno", "dos", "tres", "cuatro", "cinco")), text=text)
    assert found.text == "uno [1] · dos [1] · tres [1] · cuatro [1] · cinco [1]"
    assert len(found.citations) == 1


def test_a_long_copied_sentence_is_stated_as_far_as_it_is_quoted() -> None:
    found = verified(copied(LONG, LONG), text=LONG)
    assert found.text == f"{found.citations[0].quote} [1]"
    assert len(found.citations[0].quote) <= LONGEST_QUOTE_CHARACTERS


def test_at_most_three_sentences_are_cited() -> None:
    text = "Uno vino. Dos vino. Tres vino. Cuatro vino."
    found = verified(*(copied(text, words) for words in ("Uno", "Dos", "Tres", "Cuatro")), text=text)
    assert found.text == "Uno [1] · Dos [2] · Tres [3]"
    assert found.rejected == (Rejected("Cuatro", "beyond the limit on quotations"),)


def test_at_most_six_hundred_characters_are_quoted() -> None:
    text = " ".join(name + " vino" + " y habló" * 34 + "." for name in ("Uno", "Dos", "Tres"))
    found = verified(*(copied(text, words) for words in ("Uno", "Dos", "Tres")), text=text)
    assert found.text == "Uno [1] · Dos [2]"
    assert sum(len(citation.quote) for citation in found.citations) <= MOST_QUOTED_CHARACTERS


def test_a_draft_without_parts_gives_nothing() -> None:
    assert verified() == Verified(())


# --- composed sentences


def test_a_composed_sentence_is_kept_with_the_closest_sentence() -> None:
    found = verified(composed("Putin regaló una limusina de lujo en febrero."))
    assert found.text == "Putin regaló una limusina de lujo en febrero. [1]"
    assert found.rejected == ()
    assert [citation.quote for citation in found.citations] == [
        "En febrero, Putin le regaló una limusina rusa de lujo."
    ]


def test_composed_sentences_are_joined_without_a_separator() -> None:
    one, other = "La ONU contó 5000 misiles en Pyongyang.", "Kim recibió a Putin en junio."
    assert verified(composed(one), composed(other)).text == f"{one} [1] {other} [2]"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("La ONU contó 6.000 misiles en Pyongyang.", "not in the cited text: 6000"),
        ("Kim recibió a Putin en junio de 2001.", "not in the cited text: 2001"),
        ("La ONU contó cinco misiles en Pyongyang.", "not in the cited text: 5"),
        ("Kim recibió a Trump en junio de 2000.", "not in the cited text: trump"),
        ("Kim recibió: la economía crecía.", "not in the cited text: crec, econom"),
        ("Putin recibió a Kim en EE. UU. en 2000.", "not in the cited text: eeuu"),
        ("La limusina costaba muchísimo dinero ruso.", "not in the cited text: cost, diner, muchisim"),
    ],
)
def test_a_composed_sentence_that_its_evidence_does_not_hold_is_rejected(statement: str, reason: str) -> None:
    found = verified(composed(statement))
    assert found.rejected == (Rejected(statement, reason),)
    assert (found.text, found.citations) == ("", ())


def test_figures_and_names_must_stand_in_the_quotation_and_not_only_around_it() -> None:
    # All of it stands in the article, but in two sentences.
    statement = "En Pyongyang Putin le regaló una limusina rusa de lujo."
    assert verified(composed(statement)).rejected == (Rejected(statement, "not in one quotation: pyongyang"),)


def test_a_sentence_may_rest_on_several_spans() -> None:
    spans = [span_of(ARTICLE, "La ONU contó 5.000 misiles"), span_of(ARTICLE, "Kim recibió a Putin en junio de 2000.")]
    found = verified(composed("Kim recibió a Putin y la ONU contó 5.000 misiles.", *spans))
    assert found.text.endswith("misiles. [1][2]")


def test_a_translated_answer_is_held_by_figures_and_names() -> None:
    statement = "Kim met Putin in the year 2000."
    assert verified(composed(statement), translated=True).rejected == ()
    assert verified(composed(statement)).rejected != ()
    assert verified(composed("Kim met Putin in the year 2001."), translated=True).rejected != ()


@pytest.mark.parametrize(
    ("statement", "evidence", "missing"),
    [
        ("Había 5 millones.", "Había cinco millones.", []),
        ("Había 5.000.000.", "Había cinco millones.", []),
        ("Había 5 mil.", "Había 5.000.", []),
        ("Había 3,5 toneladas.", "Había 3,5 toneladas.", []),
        ("Había 3,5 toneladas.", "Había 35 toneladas.", ["3,5"]),
        ("Había 05 casos.", "Había cinco casos.", []),
        ("Vino una mujer.", "Vino la mujer.", []),
        ("Habló Kim Jong-un.", "Habló Kim Jong Un.", []),
        ("Lo dijo EE. UU. ayer.", "Estados Unidos lo dijo ayer.", []),
        ("Fue a Pekin.", "Fue a Pekín.", []),
        ("Vio " + "9" * 5000 + " casos.", "Vio casos.", ["9" * 5000]),
    ],
)
def test_figures_and_names_are_compared_in_any_spelling(statement: str, evidence: str, missing: list[str]) -> None:
    assert unsupported(statement, evidence) == missing


# --- statements as they are shown


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (Statement("Habló Kim.", (1,)), "Habló Kim. [1]"),
        (Statement("Habló Kim.", (3, 1)), "Habló Kim. [3][1]"),
        (Statement("No consta."), "No consta."),
    ],
)
def test_a_statement_is_followed_by_its_markers(statement: Statement, text: str) -> None:
    assert str(statement) == text


def test_quotations_stand_apart_and_sentences_do_not() -> None:
    statements = (Statement("Habló Kim.", (1,)), Statement("Calló Putin.", (2, 1)), Statement("No consta."))
    assert Verified(statements).text == "Habló Kim. [1] · Calló Putin. [2][1] · No consta."
    assert Verified(statements, apart=False).text == "Habló Kim. [1] Calló Putin. [2][1] No consta."
    assert Verified(()).text == ""


def test_one_composed_sentence_makes_an_answer_running_text() -> None:
    quoted, told = copied(ARTICLE, "una limusina rusa de lujo"), composed("Kim recibió a Putin en junio.")
    assert verified(quoted, quoted).apart
    assert not verified(quoted, told).apart
    # Also where that one is turned down.
    assert not verified(quoted, composed("Kim recibió a Trump.")).apart


# --- whatever a reader may propose

# No brackets and no «·», so that the statements of an answer can be told apart again.
CHARACTERS = st.sampled_from('aábñ 🚗.,;:…«»"!?\r\n\t\u2028é\u0301') | st.characters(exclude_characters="[]·")
WORDS = st.sampled_from(
    ["Kim ", "Putin", "habló. ", "en 2000", "5.000, ", "misiles; ", "Sr. ", "\r\n", "😀 ", "palabra " * 60]
)
TEXTS = st.text(CHARACTERS, max_size=60) | st.lists(WORDS, max_size=40).map("".join)


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Draft, dict[str, Document]]:
    """Parts that copy truly, copy falsely, compose, or point nowhere, over one or two documents."""
    documents = {identity: read(draw(TEXTS), identity) for identity in draw(st.sampled_from(["d", "de"]))}
    parts = []
    for _ in range(draw(st.integers(0, 5))):
        identity = draw(st.sampled_from([*documents, "nowhere"]))
        text = documents[identity].text if identity in documents else "…"
        offsets = st.integers(-1, len(text) + 1)
        span = Span(identity, *sorted((draw(offsets), draw(offsets))))
        words = text[max(0, span.start) : span.end] if draw(st.booleans()) else draw(TEXTS)
        more = [Span(each, 0, len(documents[each].text)) for each in documents if draw(st.booleans())]
        parts.append(Part(words, (span, *more), copied=draw(st.booleans())))
    return Draft(tuple(parts), 1.0), documents


@given(drafts())
def test_every_citation_stands_in_its_file(proposed: tuple[Draft, Mapping[str, Document]]) -> None:
    draft, documents = proposed
    texts = {each.file: each.written for each in documents.values()}
    citations = verify(draft, documents).citations
    for number, citation in enumerate(citations, 1):
        assert citation.marker == number
        assert texts[citation.file][citation.start : citation.end] == citation.quote
        assert 0 <= citation.start <= citation.answer_start < citation.answer_end <= citation.end
        before = texts[citation.file][: citation.start]
        assert citation.line == len(re.findall(r"\r\n?|\n", before)) + 1
        assert len(plain(citation.quote)[0]) <= LONGEST_QUOTE_CHARACTERS
    assert len({(each.file, each.start, each.end) for each in citations}) == len(citations)
    if len(draft.parts) > 1 and all(part.copied for part in draft.parts):
        assert len(citations) <= MOST_CITATIONS
        assert len(citations) == 1 or sum(len(each.quote) for each in citations) <= MOST_QUOTED_CHARACTERS


@given(drafts())
def test_nothing_unverified_is_stated(proposed: tuple[Draft, Mapping[str, Document]]) -> None:
    draft, documents = proposed
    found = verify(draft, documents)
    statements = re.findall(r"(.*?) ((?:\[\d+\])+)(?: · | |$)", found.text, re.DOTALL)
    assert len(statements) + len(found.rejected) == len(draft.parts)
    # What is stated and what is rejected are the draft's parts, and each kind in the order of the draft. Texts may be
    # alike, so which part was kept is told by what the draft states with it and without it.
    counts = [
        len(verify(replace(draft, parts=draft.parts[:n]), documents).statements) for n in range(len(draft.parts) + 1)
    ]
    kept = [part for part, (before, after) in zip(draft.parts, pairwise(counts), strict=True) if after > before]
    assert len(kept) == len(statements)
    for (text, markers), part in zip(statements, kept, strict=True):
        cited = [found.citations[int(number) - 1] for number in re.findall(r"\d+", markers)]
        assert _is_held(text, part, cited, documents)


def _is_held(text: str, part: Part, cited: list[Citation], documents: Mapping[str, Document]) -> bool:
    if part.copied:
        # The words stand in the file, and as far as they fit into a quotation they are quoted.
        stands = any(part.text in each.text for each in documents.values())
        return stands and part.text.startswith(text) and text[:LONGEST_QUOTE_CHARACTERS] in plain(cited[0].quote)[0]
    return (
        text == part.text and unsupported(text, " ".join(plain(each.quote)[0] for each in cited), translated=True) == []
    )


@given(TEXTS, st.data())
def test_any_run_of_a_text_can_be_cited(text: str, data: st.DataObject) -> None:
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    citation = cite(document(text), Span("d", start, end), marker=2)
    assert text[citation.start : citation.end] == citation.quote
    assert citation.start <= citation.answer_start < citation.answer_end <= citation.end
    assert (citation.answer_start, citation.answer_end) == (start, min(end, citation.end))
    if end - start <= LONGEST_QUOTE_CHARACTERS:
        assert citation.answer_end == end
