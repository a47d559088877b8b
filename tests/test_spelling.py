"""Questions in the spelling of a few sentences that are written here."""

import re
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import corpus
from index.spanish import fold, function_words, sentences
from index.spelling import Mended, Spelling
from tests.commands import SEEDS

TEXTS = (
    "El presidente Vladimir Putin le regaló una limusina a Kim Jong Un en Pyongyang. Serguéi Lavrov habló de la "
    "cooperación militar con Corea del Norte y con China. Así lo anunció el Kremlin el miércoles.",
    "El padre de Kim lanzó misiles norcoreanos. Según Shoigu, las sanciones de la ONU no sirven. «Vinieron solos», "
    "dijo María Zajárova. Es un anuncio de la agencia de la niña.",
)
SPELLING = Spelling(TEXTS)


def mend(question: str) -> str:
    return SPELLING.mend(question).question


# --- accents and capitals


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("¿Qué le regalo Putin?", "¿Qué le regaló Putin?"),
        ("¿Qué dijo Zajarova el miercoles?", "¿Qué dijo Zajárova el miércoles?"),
        ("¿Qué cooperacion hay?", "¿Qué cooperación hay?"),
        ("¿Qué dijo Maria?", "¿Qué dijo María?"),
        ("¿Qué agencia es de la nina?", "¿Qué agencia es de la niña?"),
    ],
)
def test_lost_accents_come_back(typed: str, written: str) -> None:
    assert SPELLING.mend(typed) == Mended(written, corrected=False)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("que le regalo putin a kim", "que le regaló Putin a Kim"),
        ("que dijo la onu", "que dijo la ONU"),
        ("¿que dijo maria zajarova?", "¿que dijo María Zajárova?"),
        ("Que dijo el kremlin de china", "Que dijo el Kremlin de China"),
        ("what did putin give to kim?", "what did Putin give to Kim?"),
    ],
)
def test_names_get_their_capitals_in_a_question_that_has_none(typed: str, written: str) -> None:
    assert SPELLING.mend(typed) == Mended(written, corrected=False)


def test_a_word_typed_small_beside_capitals_is_meant_small() -> None:
    assert mend("¿Qué le regaló putin a Kim?") == "¿Qué le regaló putin a Kim?"


def test_a_name_that_was_typed_with_a_capital_keeps_it_and_gets_its_accent() -> None:
    assert mend("¿Qué dijo Kim de Zajarova?") == "¿Qué dijo Kim de Zajárova?"


def test_typed_accents_are_kept_where_the_texts_have_the_word_without() -> None:
    texts = Spelling(["Leyó el anuncio de ayer."])
    assert texts.mend("¿Quién anunció algo?") == Mended("¿Quién anunció algo?", corrected=False)
    assert texts.mend("¿Quién leyo el anunció?") == Mended("¿Quién leyó el anunció?", corrected=False)


def test_a_word_that_the_texts_have_with_and_without_accent_stays_as_typed() -> None:
    assert mend("¿Qué anuncio anunció?") == "¿Qué anuncio anunció?"


def test_a_capital_at_the_beginning_of_a_sentence_is_no_capital_of_the_word() -> None:
    texts = Spelling(["Vinieron solos. ¿Llegaron tarde? «Callaron todos»."])
    assert texts.mend("cuando vinieron, llegaron y callaron") == Mended("cuando vinieron, llegaron y callaron", False)


def test_the_form_that_the_texts_have_most_is_taken() -> None:
    rarely, mostly = "No fue el Papa. ", "Fue un papá. "
    assert Spelling([rarely + mostly * 2]).mend("quien es el papa").question == "quien es el papá"
    assert Spelling([rarely * 2 + mostly]).mend("quien es el papa").question == "quien es el Papa"


# --- typing errors


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("¿Qué es la liumsina?", "¿Qué es la limusina?"),
        ("¿Qué dijo Ptuin?", "¿Qué dijo Putin?"),
        ("¿Qué es la lmusina?", "¿Qué es la limusina?"),
        ("¿Qué hay en Pyonyang?", "¿Qué hay en Pyongyang?"),
        ("¿Qué es la limusinna?", "¿Qué es la limusina?"),
        ("¿Qué dijo Puttin?", "¿Qué dijo Putin?"),
        ("¿Qué es la limuzina?", "¿Qué es la limusina?"),
        ("¿Qué dicen las sansiones?", "¿Qué dicen las sanciones?"),
        ("¿Qué dijo Labrov?", "¿Qué dijo Lavrov?"),
        ("¿Qué dijo Labrof?", "¿Qué dijo Lavrov?"),
        ("¿Qué hay en Pionyang?", "¿Qué hay en Pyongyang?"),
        ("qué hay en pionyang", "qué hay en Pyongyang"),
        ("What did Puitn give to Kim?", "What did Putin give to Kim?"),
        ("qiuen es Shoigu", "quien es Shoigu"),
    ],
)
def test_a_small_error_is_mended_and_told(typed: str, written: str) -> None:
    assert SPELLING.mend(typed) == Mended(written, corrected=True)


@pytest.mark.parametrize(
    "question",
    [
        "¿Quién es la madre de Kim?",
        "¿Cuándo habrá sanación?",
        "¿Qué dijo la presidenta?",
        "¿Quién dijo lanza?",
    ],
)
def test_a_word_of_the_dictionary_is_no_error(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


@pytest.mark.parametrize(
    "question",
    ["¿Quién regalaría limusinas?", "¿Qué sanción sirve?", "¿Qué lanzaron los norcoreanos?", "¿Quién anunciaba misil?"],
)
def test_other_forms_of_the_words_stay(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


def test_another_transcription_of_a_name_that_is_the_same_term_stays() -> None:
    assert mend("¿Qué dijo Sergei Lavrov?") == "¿Qué dijo Sergei Lavrov?"


@pytest.mark.parametrize(
    "question", ["¿Qué hacen las tropas surcoreanas?", "que dicen los surcoreanos", "¿Quién es Sutin?"]
)
def test_the_first_sound_is_never_mended(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


def test_another_first_letter_for_the_same_sound_is_mended() -> None:
    assert Spelling(["Fueron a Valencia con Kadírov."]).mend("¿Quién fue a Balencia con Cadirov?") == Mended(
        "¿Quién fue a Valencia con Kadírov?", corrected=True
    )


@pytest.mark.parametrize(
    "question", ["¿Qué dijo Macron?", "¿Quién es Yoon Suk-yeol?", "que dijo trump en tokio", "¿Dónde está Skibitski?"]
)
def test_names_that_the_texts_do_not_have_stay(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


# --- what is no error


@pytest.mark.parametrize(
    "question",
    [
        "What gift did the president of Russia give?",
        "Who is responsible for the military cooperation?",
        "Which regalo did Kim anuncio?",
    ],
)
def test_english_words_stay_english(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


@pytest.mark.parametrize("question", ["como y cuando es", "Que hay segun el", "cual es mas", "When is this"])
def test_function_words_stay_as_typed(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


@pytest.mark.parametrize("question", ["¿Qé es?", "¿Qué dijo Kin?", "¿Y la UNO?"])
def test_words_too_short_to_tell_an_error_stay(question: str) -> None:
    assert SPELLING.mend(question) == Mended(question, corrected=False)


@given(st.text(st.characters(exclude_categories=["L"]), max_size=40))
def test_what_is_no_word_stays(question: str) -> None:
    assert SPELLING.mend(question) == Mended(normalize("NFC", question), corrected=False)


def test_numbers_and_punctuation_around_mended_words_stay() -> None:
    assert mend("«¡putin!» (2024), a las 10:30... ¿regalo?") == "«¡Putin!» (2024), a las 10:30... ¿regaló?"


# --- any corpus


@pytest.mark.parametrize("texts", [(), ("",), ("2024. ¿...?",)])
def test_without_words_in_the_texts_every_name_stays(texts: tuple[str, ...]) -> None:
    question = "¿Qué dijo Labrov en Pionyang?"
    assert Spelling(texts).mend(question) == Mended(question, corrected=False)


@pytest.mark.parametrize("order", [("Zorak", "Zoran"), ("Zoran", "Zorak")])
def test_of_words_equally_near_and_frequent_always_the_same_is_taken(order: tuple[str, str]) -> None:
    texts = [f"Vino con {name}." for name in order]
    assert Spelling(texts).mend("¿Quién es Zoral?").question == "¿Quién es Zorak?"


@pytest.mark.parametrize("frequent", ["Zorak", "Zoran"])
def test_of_words_equally_near_the_more_frequent_is_taken(frequent: str) -> None:
    texts = ["Vino con Zorak.", "Vino con Zoran.", f"Fue con {frequent}."]
    assert Spelling(texts).mend("¿Quién es Zoral?").question == f"¿Quién es {frequent}?"


def test_forms_equally_frequent_give_the_same_in_any_order() -> None:
    one, other = "Fue el Papa.", "Fue un papá."
    assert Spelling([one, other]).mend("el papa") == Spelling([other, one]).mend("el papa")


# Letters with and without accents, so that words which differ in these alone come about.
LETTERS = st.text("aábeéyinñvkK", min_size=1, max_size=6)
RUNNING = st.lists(LETTERS | st.sampled_from("Putin regaló 2024 la él, KCNA «sí».".split()), min_size=1, max_size=12)


@given(st.lists(RUNNING, min_size=1, max_size=4), st.data())
def test_the_words_of_a_text_come_back_as_it_has_them(texts: list[list[str]], data: st.DataObject) -> None:
    # Each stands inside a sentence, where its capitals are its own.
    written = Spelling(" ".join(["la", *words]) for words in texts)
    words = " ".join(data.draw(st.lists(st.sampled_from([word for text in texts for word in text]), min_size=1)))
    assert written.mend(words) == Mended(words, corrected=False)


def test_the_sentences_of_the_articles_come_back_unchanged() -> None:
    articles = [document.text for document in corpus.load(SEEDS).documents]
    written = Spelling(articles)
    said = [text[start:end] for text in articles for start, end in sentences(text)]
    assert len(said) > 100
    assert [written.mend(sentence) for sentence in said] == [Mended(sentence, corrected=False) for sentence in said]


KNOWN = frozenset(re.findall(r"[^\W\d_]+", " ".join(TEXTS)))


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """A word of the texts with two letters in each other's place, one left out, or one too many."""
    word: str = draw(st.sampled_from(sorted(KNOWN)))
    place = draw(st.integers(0, len(word) - 1))
    kept = draw(st.sampled_from([word[place : place + 2][::-1], word[place + 1 : place + 2], word[place : place + 2]]))
    return word[:place] + kept + draw(st.sampled_from(["", word[place]])) + word[place + 2 :]


@settings(max_examples=20)  # Each word that is no word of the texts is looked for in the whole dictionary.
@given(st.lists(mistyped(), max_size=3).map(" ".join))
def test_only_words_that_the_texts_or_the_language_have_are_put_in(question: str) -> None:
    found = SPELLING.mend(question)
    before, after = question.split(), found.question.split()
    assert len(before) == len(after)
    put_in = [new for old, new in zip(before, after, strict=True) if new != old]
    assert all(new in KNOWN or new.capitalize() in KNOWN or new in function_words() for new in put_in)
    assert found.corrected == (fold(question) != fold(found.question))
