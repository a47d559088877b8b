"""Drafts as people write them become passages with offsets; what cannot be read is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.training.drafts import DraftError, draft_of, passages_of, sentence_with
from qa.training.passages import Question, Span, read_passages

HEAD = "@ health-01 | agency | Perú | La posta abre tarde\n"
TEXT = "La alcaldesa Ruth Quispe abrió el martes la posta. Costó 12 soles, no 12 dólares.\nHay camas y mantas."


def read(*asked: str) -> tuple[tuple[Question, ...], list[str]]:
    (passage,), faults = passages_of("\n".join([HEAD + TEXT, "", *asked, ""]))
    assert passage.text == TEXT
    return passage.questions, faults


def test_a_draft_is_read_with_its_offsets() -> None:
    asked = "who | ¿Quién abrió? | Who opened it? | Ruth Quispe"
    draft = f"{HEAD}{TEXT}\n\n{asked}\n\n@ health-02 | brief | Chile | Otra\nUno.\n"
    passages, faults = passages_of(draft)
    assert not faults
    assert [(it.id, it.topic, it.style, it.country, it.title) for it in passages] == [
        ("health-01", "health", "agency", "Perú", "La posta abre tarde"),
        ("health-02", "health", "brief", "Chile", "Otra"),
    ]
    (question,) = passages[0].questions
    assert question == Question("health-01-1", "who", "¿Quién abrió?", "Who opened it?", (Span("Ruth Quispe", 13),))


def test_a_list_has_a_span_for_each_item() -> None:
    (question,), faults = read("list | ¿Qué hay? | What is there? | camas ;; mantas")
    assert not faults
    assert [span.text for span in question.answers] == ["camas", "mantas"]
    assert all(TEXT[span.start : span.end] == span.text for span in question.answers)


@pytest.mark.parametrize(("kind", "verdict"), [("yes", "yes"), ("no", "no")])
def test_yes_and_no_are_widened_to_the_sentence(kind: str, verdict: str) -> None:
    (question,), _ = read(f"{kind} | ¿Costó poco? | Was it cheap? | Costó 12")
    assert (question.kind, question.yes_no) == ("yes_no", verdict)
    assert [span.text for span in question.answers] == ["Costó 12 soles, no 12 dólares."]
    assert not question.is_near_miss


@pytest.mark.parametrize(("marks", "typed"), [("!", False), ("~!", True), ("!~", True)])
def test_a_near_miss_has_the_sentence_that_tempts(marks: str, typed: bool) -> None:
    (question,), _ = read(f"{marks}when | ¿Cuándo cerró? | When did it close? | el martes")
    assert question.is_near_miss and not question.answers
    assert question.tempting == Span("La alcaldesa Ruth Quispe abrió el martes la posta.", 0)
    assert (question.kind, question.typed) == ("when", typed)


def test_brackets_say_which_of_two_places_is_meant() -> None:
    (question,), faults = read("how_many | ¿Cuántos dólares? | How many dollars? | no [[12]] dólares")
    assert not faults
    assert question.answers == (Span("12", TEXT.index("12 dólares")),)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("who | ¿Quién? | Who? | Nadie", "stands 0 times"),
        ("how_many | ¿Cuánto? | How much? | 12", "stands 2 times"),
        ("who | ¿Quién? | Ruth Quispe", "expected «kind"),
        ("who | ¿Quién? |  | Ruth Quispe", "expected «kind"),
        ("yes | ¿Y? | And? | la posta. Costó", "not within one sentence"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(line: str, fault: str) -> None:
    questions, faults = read(line)
    assert not questions
    assert len(faults) == 1 and fault in faults[0] and line in faults[0] and "health-01" in faults[0]


def test_a_bad_head_and_stray_text_are_faults() -> None:
    passages, faults = passages_of("stray\n@ health-01 | agency | La posta\nUno.\n")
    assert not passages
    assert "before the first passage: stray" in faults[0] and "expected «@ id" in faults[1]


def test_a_piece_outside_the_text_has_no_sentence() -> None:
    assert sentence_with("mantas", TEXT) == "Hay camas y mantas."
    with pytest.raises(DraftError, match="0 times"):
        sentence_with("sillas", TEXT)


@given(st.data())
def test_any_unique_piece_is_found_where_it_stands(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(TEXT) - 1))
    end = data.draw(st.integers(start + 1, len(TEXT)))
    piece = TEXT[start:end]
    if piece != piece.strip() or "\n" in piece or TEXT.count(piece) != 1 or " | " in piece:
        return
    (question,), faults = read(f"what | ¿Qué? | What? | {piece}")
    assert not faults
    assert question.answers == (Span(piece, start),)


def test_near_misses_are_not_known_by_their_place() -> None:
    """Drafts have them last; here each of six passages has one near miss after five other questions."""
    asked = (
        "".join(f"what | ¿Qué {n}? | What {n}? | mantas\n" for n in range(5)) + "!who | ¿Quién? | Who? | Hay camas\n"
    )
    draft = "".join(f"@ t-{n} | brief | Chile | Otra\nHay camas y mantas.\n{asked}" for n in range(6))
    passages, faults = passages_of(draft)
    assert not faults
    places = [[it.is_near_miss for it in passage.questions].index(True) for passage in passages]
    assert len(set(places)) > 2
    assert all(
        [it.id for it in passage.questions] == [f"{passage.id}-{n}" for n in range(1, 7)] for passage in passages
    )


def test_every_passage_of_the_corpus_is_its_draft_read_again() -> None:
    for passage in read_passages():
        assert passages_of(draft_of(passage)) == ([passage], [])


def test_a_span_that_stands_twice_is_drafted_with_its_surroundings() -> None:
    (passage,), _ = passages_of(
        f"{HEAD}{TEXT}\n\nhow_many | ¿Cuántos dólares? | How many dollars? | no [[12]] dólares\n"
    )
    assert draft_of(passage).endswith("| How many dollars? | no [[12]] dólares.\n")
    assert passages_of(draft_of(passage)) == ([passage], [])
