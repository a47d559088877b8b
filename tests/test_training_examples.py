"""Texts with questions to train on: answers stand where they are said to, and a stranger's text does not answer."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex
from qa.training.examples import Asked, Reading, draw, from_corpus, plain, read_squad, with_strangers
from qa.training.passages import Passage, Question, Span

PUENTE = "El alcalde de Arequipa, Julio Pérez, inauguró ayer el puente nuevo sobre el río Chili 🌉."
QUIEN = "¿Quién inauguró el puente nuevo de Arequipa?"
WHO = "Who opened the new bridge in Arequipa?"


def item(question: str, *answers: tuple[str, int], impossible: bool = False) -> dict[str, Any]:
    told = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": question, "question": question, "is_impossible": impossible, "answers": told}


def squad(path: Path, *articles: list[tuple[str, list[dict[str, Any]]]]) -> list[Reading]:
    """What is read of a file with these articles, each of paragraphs."""
    data = [
        {"title": "t", "paragraphs": [{"context": text, "qas": items} for text, items in article]}
        for article in articles
    ]
    path.write_text(json.dumps({"version": "2.0", "data": data}), "utf-8")
    return read_squad(path)


def asked_of(text: str, question: str, words: str) -> Asked:
    start = text.index(words)
    return Asked(question, (start, start + len(words)), words)


def bare(text: str) -> str:
    """Small letters without the accents of Spanish, whether they are part of their letter or follow it."""
    return text.lower().replace("\u0301", "").replace("\u0303", "").translate(str.maketrans("áéíóúüñ", "aeiouun"))


def test_the_first_answer_of_a_question_counts(tmp_path: Path) -> None:
    items = [item(QUIEN, ("Julio Pérez", 24), ("El alcalde de Arequipa", 0))]
    assert squad(tmp_path / "a.json", [(PUENTE, items)]) == [
        Reading(PUENTE, (asked_of(PUENTE, QUIEN, "Julio Pérez"),)),
    ]


def test_a_question_that_is_impossible_or_has_no_answers_has_none(tmp_path: Path) -> None:
    items = [item("¿Uno?", ("Julio", 24), impossible=True), item("¿Dos?"), {"question": "¿Tres?", "answers": []}]
    (reading,) = squad(tmp_path / "a.json", [(PUENTE, items)])
    assert reading.asked == (Asked("¿Uno?", None), Asked("¿Dos?", None), Asked("¿Tres?", None))


@pytest.mark.parametrize(
    ("words", "start"), [("Julio", 23), ("julio", 24), ("Julio", -10), ("Chili", 10_000), ("", 3), (" ", 2)]
)
def test_an_answer_that_does_not_stand_at_its_place_is_left_out(words: str, start: int, tmp_path: Path) -> None:
    items = [item("¿Antes?"), item("¿Mal?", (words, start)), item(QUIEN, ("Chili", PUENTE.index("Chili")))]
    (reading,) = squad(tmp_path / "a.json", [(PUENTE, items)])
    assert reading.asked == (Asked("¿Antes?", None), asked_of(PUENTE, QUIEN, "Chili"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip())
)


@st.composite
def readings_with_spans(draw: st.DrawFn) -> Reading:
    text = draw(TEXTS)
    asked = []
    for number in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        is_told = text[start:end].strip() and draw(st.booleans())
        asked.append(Asked(f"¿{number}?", (start, end), text[start:end]) if is_told else Asked(f"¿{number}?", None))
    return Reading(text, tuple(asked))


@given(articles=st.lists(st.lists(readings_with_spans(), max_size=3), max_size=3))
def test_readings_written_as_squad_are_read_again(
    articles: list[list[Reading]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = [
        [(each.text, [item(it.question, *[(it.words, it.answer[0])] if it.answer else []) for it in each.asked])]
        for article in articles
        for each in article
    ]
    path = tmp_path_factory.mktemp("squad") / "a.json"
    assert squad(path, *written) == [each for article in articles for each in article]


LISTA = "Participan Chile, Perú y, por primera vez, Bolivia en el torneo."


def passage(*questions: Question) -> Passage:
    return Passage("deporte-01", "deporte", "breve", "Chile", "El torneo", LISTA, questions)


def spans(*words: str) -> tuple[Span, ...]:
    return tuple(Span(each, LISTA.index(each)) for each in words)


def test_the_items_of_a_list_are_covered_by_one_run() -> None:
    question = Question("1", "list", "¿Quiénes participan?", "Who takes part?", spans("Perú", "Bolivia", "Chile"))
    (reading,) = from_corpus([passage(question)])
    assert reading.text == LISTA
    assert reading.asked == (asked_of(LISTA, "¿Quiénes participan?", "Chile, Perú y, por primera vez, Bolivia"),)


def test_a_near_miss_has_no_answer_and_english_is_answered_alike() -> None:
    (reading,) = from_corpus(
        [
            passage(
                Question("1", "who", "¿Quién gana?", "Who wins?", (), Span(LISTA, 0)),
                Question("2", "where", "¿Quién es nuevo?", "Who is new?", spans("Bolivia")),
            )
        ]
    )
    assert reading.asked == (Asked("¿Quién gana?", None), asked_of(LISTA, "¿Quién es nuevo?", "Bolivia"))
    assert reading.english == (Asked("Who wins?", None), asked_of(LISTA, "Who is new?", "Bolivia"))
    assert reading.strangers == ()


OTHERS = (
    "El puente nuevo de Arequipa costó ocho millones de soles.",
    "JULIO PÉREZ cruzó el puente nuevo de Arequipa.",
    "El puente nuevo de Arequipa, según Julio Pe\u0301rez, es ancho.",
    "El músico Jùlio Perez tocó junto al puente nuevo de Arequipa.",
    "La cosecha de café creció en Huila.",
)


def strangers_of(*readings: Reading, nearest: int = 8) -> dict[str, tuple[Asked, ...]]:
    return {each.text: each.strangers for each in with_strangers(readings, nearest)}


def test_only_a_text_without_the_words_of_the_answer_gets_the_question() -> None:
    own = Reading(PUENTE, (asked_of(PUENTE, QUIEN, "Julio Pérez"),))
    found = strangers_of(own, *(Reading(text, ()) for text in OTHERS))
    assert found == {PUENTE: (), OTHERS[0]: (Asked(QUIEN, None, "Julio Pérez"),)} | dict.fromkeys(OTHERS[1:], ())


def test_the_english_form_comes_along_and_the_rest_stays() -> None:
    asked, english = (asked_of(PUENTE, question, "Julio Pérez") for question in (QUIEN, WHO))
    own, other = Reading(PUENTE, (asked,), (english,)), Reading(OTHERS[0], (Asked("¿Y?", None),))
    found = with_strangers([own, other])
    assert found[0] == own
    told = (Asked(QUIEN, None, "Julio Pérez"), Asked(WHO, None, "Julio Pérez"))
    assert found[1] == Reading(OTHERS[0], (Asked("¿Y?", None),), (), told)


def test_a_question_without_an_answer_is_asked_of_no_other_text() -> None:
    own = Reading(PUENTE, (Asked(QUIEN, None),), (Asked(WHO, None),))
    assert strangers_of(own, Reading(OTHERS[0], ())) == {PUENTE: (), OTHERS[0]: ()}


def test_a_question_goes_to_the_nearest_texts() -> None:
    far = "Un puente cerró ayer en la ciudad de Lima, y hubo atascos hasta la tarde en las calles del centro."
    own = Reading(PUENTE, (asked_of(PUENTE, QUIEN, "Julio Pérez"),))
    found = strangers_of(Reading(far, ()), own, Reading(OTHERS[0], ()), nearest=1)
    assert [text for text, told in found.items() if told] == [OTHERS[0]]


def test_a_question_goes_to_at_most_the_nearest_even_where_its_own_text_is_not_among_the_best() -> None:
    own = Reading("Lo firmó Ana Soto.", (asked_of("Lo firmó Ana Soto.", QUIEN, "Ana Soto"),))
    others = [Reading(f"El puente nuevo de Arequipa, foto {number}.", ()) for number in range(4)]
    found = strangers_of(own, *others, nearest=2)
    assert sum(bool(told) for told in found.values()) == 2


WORDS = st.sampled_from(
    "puente Puente río rio RÍO nin\u0303o niño nino alcaldesa mercado café cafe volcán escuela".split()
)
PHRASES = st.lists(WORDS, min_size=1, max_size=6)


@st.composite
def small_readings(draw: st.DrawFn) -> Reading:
    words = draw(PHRASES)
    text = " ".join(words)
    answer = draw(st.sampled_from(words))
    question = f"¿Qué {' '.join(draw(PHRASES))} hay?"
    return Reading(text, (asked_of(text, question, answer),) if draw(st.booleans()) else ())


@given(readings=st.lists(small_readings(), min_size=1, max_size=8), nearest=st.integers(1, 4))
def test_a_stranger_shares_words_with_the_text_but_has_no_answer_there(readings: list[Reading], nearest: int) -> None:
    index = LexicalIndex.build([each.text for each in readings])
    found = with_strangers(readings, nearest)
    assert [(each.text, each.asked) for each in found] == [(each.text, each.asked) for each in readings]
    for place, reading in enumerate(found):
        for stranger in reading.strangers:
            assert stranger.answer is None
            assert index.scores(stranger.question)[place] > 0
            assert bare(stranger.words) not in bare(reading.text)


@given(readings=st.lists(small_readings(), min_size=2, max_size=8))
def test_with_room_for_all_every_text_that_may_have_a_stranger_has_it(readings: list[Reading]) -> None:
    index = LexicalIndex.build([each.text for each in readings])
    for place, reading in enumerate(with_strangers(readings, len(readings))):
        wanted = [
            asked.question
            for number, other in enumerate(readings)
            for asked in other.asked
            if number != place
            and index.scores(asked.question)[place] > 0
            and bare(asked.words) not in bare(reading.text)
            and asked.question not in {own.question for own in reading.asked}
        ]
        assert Counter(each.question for each in reading.strangers) == Counter(wanted)


@pytest.mark.parametrize("text", ["Canción", "CANCIÓN", "Cancio\u0301n ", " canción"])
def test_plain_words_have_no_case_and_no_accents(text: str) -> None:
    assert plain(text) == "cancion"


def made(own: int, english: int, strangers: int) -> Reading:
    sorts = ((own, "own"), (english, "english"), (strangers, "stranger"))
    return Reading("Un texto.", *(tuple(Asked(f"{name} {i}", None) for i in range(count)) for count, name in sorts))


COUNTS = st.integers(0, 6)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.integers(0, 20), st.integers(0, 99))
def test_what_is_drawn_is_all_its_own_and_some_of_the_rest(
    own: int, english: int, strangers: int, some_english: int, some_strangers: int, most: int, seed: int
) -> None:
    reading = made(own, english, strangers)
    drawn = draw(reading, some_english, some_strangers, most, random.Random(seed))
    assert len(set(drawn)) == len(drawn)
    counts = Counter(each.question.split()[0] for each in drawn)
    wanted = {"own": own, "english": min(english, some_english), "stranger": min(strangers, some_strangers)}
    if sum(wanted.values()) <= most:
        assert counts == Counter(wanted)
    else:
        assert len(drawn) == most and all(counts[name] <= wanted[name] for name in counts)
    assert draw(reading, some_english, some_strangers, most, random.Random(seed)) == drawn


def test_other_seeds_draw_others() -> None:
    reading = made(2, 5, 5)
    drawn = {frozenset(draw(reading, 2, 2, 5, random.Random(seed))) for seed in range(20)}
    assert len(drawn) > 10
    assert {each for some in drawn for each in some} == {*reading.asked, *reading.english, *reading.strangers}


def test_where_there_are_too_many_any_of_them_may_be_left_out() -> None:
    reading = made(3, 1, 1)
    drawn = {frozenset(draw(reading, 1, 1, 4, random.Random(seed))) for seed in range(60)}
    assert len(drawn) == 5
