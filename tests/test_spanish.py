import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.spanish import akin, analyse, fold, is_english, sentences, stem, stopwords

PIECES = st.sampled_from(
    ["Habló ayer. ", "EE. UU. ", "«Sí. No», ", "…", "... ", "?", "!» ", "\n", "\r\n", " ", "\t", "Sr. ", "5 ", "\u2028"]
)
TEXTS = st.text() | st.lists(PIECES, max_size=60).map("".join)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "words",
    [
        "visitó visitaron visita visitar",
        "misil misiles",
        "sanción sanciones sancion",
        "coreano coreanos",
        "acuerdo acuerdos",
        "reunión reuniones",
        "Serguéi Sergei Sergey",
    ],
)
def test_forms_of_a_word_are_one_term(words: str) -> None:
    assert len({stem(word) for word in words.lower().split()}) == 1


def test_other_words_are_other_terms() -> None:
    assert len({stem(word) for word in "misil misión ministro municiones".split()}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kim Jong Un", "Kim Jong-un"),
        ("Kim Jong Un", "KIM JONG\u2011UN"),
        ("Pyongyang", "pyongyang"),
        ("¿Qué país?", "que pais"),
        ("Corea del Norte", "los norcoreanos"),
        ("EE. UU.", "Estados Unidos"),
        ("EE.UU.", "EEUU"),
        ("EE UU", "estadounidense"),
        ("Shoigú", "Shoigu"),
    ],
)
def test_spellings_of_one_thing_give_the_same_terms(one: str, other: str) -> None:
    assert analyse(one) == analyse(other) != []


def test_a_country_is_not_found_in_the_verb_to_use() -> None:
    assert "eeuu" not in analyse("¿Qué misiles usa Rusia?")


@given(st.text())
def test_composed_and_decomposed_accents_give_the_same_terms(text: str) -> None:
    assert analyse(unicodedata.normalize("NFD", text)) == analyse(unicodedata.normalize("NFC", text))


@given(st.text())
def test_terms_are_words_without_function_words(text: str) -> None:
    for term in analyse(text):
        assert term and not any(character.isspace() for character in term)
    assert analyse(" ".join(sorted(stopwords()))) == []


def test_terms_keep_their_order_and_repeats() -> None:
    assert analyse("Putin habló; Kim habló.") == ["putin", "habl", "kim", "habl"]


def test_folding_leaves_the_letters_of_every_character() -> None:
    every = "".join(chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000)
    decomposed = unicodedata.normalize("NFD", every.lower())
    assert fold(every) == "".join(character for character in decomposed if not unicodedata.combining(character))


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_families_of_terms() -> None:
    assert akin("reun", "reunion") and akin("reunion", "reun")
    assert not akin("reunion", "reunion"), "a term is not its own kin"
    assert not akin("mes", "mesa"), "three letters are too few"
    assert not akin("reun", "reuniendo"), "more than three letters longer"


@pytest.mark.parametrize(
    ("question", "english"),
    [
        ("What did Putin give Kim in February?", True),
        ("¿Qué le regaló Putin a Kim en febrero?", False),
        ("que le regalo putin a kim", False),
        ("Pyongyang", False),
        ("", False),
    ],
)
def test_the_language_of_a_question(question: str, english: bool) -> None:
    assert is_english(question) is english


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vino el Sr. Paz. Se fue.", ["Vino el Sr. Paz.", "Se fue."]),
        ("J. K. Rowling vino. Habló.", ["J. K. Rowling vino.", "Habló."]),
        ("Fue a EE. UU. en junio. Volvió.", ["Fue a EE. UU. en junio.", "Volvió."]),
        ("Costó 3.5 millones. Fin.", ["Costó 3.5 millones.", "Fin."]),
        ("Dijo que no. Luego se fue.", ["Dijo que no.", "Luego se fue."]),
        ("El autobús No. 5 salió. Llegó.", ["El autobús No. 5 salió.", "Llegó."]),
        ("«Vino. Se fue», dijo. Fin.", ["«Vino. Se fue», dijo.", "Fin."]),
        ("«Vino.» Se fue.", ["«Vino.»", "Se fue."]),
        ('Dijo: "No. Nunca". Y calló.', ['Dijo: "No. Nunca".', "Y calló."]),
        ("Dijo… que sí. Bien… Vino.", ["Dijo… que sí.", "Bien…", "Vino."]),
        ("¿Qué? ¡Vaya! Sí.", ["¿Qué?", "¡Vaya!", "Sí."]),
        ("Titular\nUno. Dos\r\nTres\rCuatro", ["Titular", "Uno.", "Dos", "Tres", "Cuatro"]),
        ("Acabó en 2024. El año siguiente no.", ["Acabó en 2024.", "El año siguiente no."]),
        (" \n\t\r\n", []),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_quotation_that_is_long_or_never_closed_does_not_hold_sentences_together() -> None:
    long = "«" + "a" * 450 + ". Y fin», dijo."
    assert len(cut(long)) == 2
    assert cut("«Vino. Se fue.") == ["«Vino.", "Se fue."]


@given(TEXTS)
def test_sentences_are_in_order_and_leave_out_only_white_space(text: str) -> None:
    end = 0
    for start, following_end in sentences(text):
        assert text[end:start].strip() == ""
        assert text[start:following_end] == text[start:following_end].strip() != ""
        assert not set("\r\n") & set(text[start:following_end])
        end = following_end
    assert text[end:].strip() == ""


@pytest.mark.parametrize(
    "text", ["…" * 200_000, "«a. B» " * 20_000, "«a. B " * 20_000, "A. " * 50_000, '". ' * 50_000], ids=range(5)
)
def test_long_lines_take_time_in_proportion(text: str) -> None:
    began = time.perf_counter()
    sentences(text)
    assert time.perf_counter() - began < 2
