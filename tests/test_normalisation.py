"""Answers in one spelling: what counts as the same answer and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.normalisation import answer_tokens, normalised

WORDS = st.sampled_from(
    "Putin visitó Pyongyang la un cinco millones treinta y dos 2024 15 de enero por % [1] «Kim»".split()
)


def test_normalised_leaves_words_and_figures() -> None:
    assert normalised("¿«Kim Jong-un», 5.000?") == " kim jong un 5 000 "


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("«»¿?", ""),
        ("El", ""),
        ("«Se reunió con la ministra.» [1][12]", "se reunio con ministra"),
        ("el viaje al Kremlin", "viaje kremlin"),
        ("ministro del Interior", "ministro de interior"),
        ("the Kremlin, a plan", "kremlin plan"),
        ("lunes", "lunes"),
    ],
)
def test_only_words_are_left(text: str, tokens: str) -> None:
    assert answer_tokens(text) == tuple(tokens.split())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("cinco millones", "5000000"),
        ("5 millones", "5000000"),
        ("5.000.000", "5000000"),
        ("5 000 000", "5000000"),
        ("3,5 millones", "3500000"),
        ("3.5 millones", "3500000"),
        ("2,5 mil millones", "2500000000"),
        ("32 %", "32"),
        ("32 por ciento", "32"),
        ("treinta y dos", "32"),
        ("3,5 %", "3,5"),
        # The other words stay in their places.
        ("Lanzó dos nuevos misiles y tres drones.", "lanzo 2 nuevos misiles y 3 drones"),
        ("dos, tres", "2 3"),
        ("En 2023, mil soldados", "en 2023 1000 soldados"),
        # No number without its multiplier.
        ("miles de personas, cientos, millones", "miles de personas cientos millones"),
        ("9" * 5_000 + ",5 millones", "9" * 5_000 + ",5 millones"),
        ("1,2345 millones", "1,2345 millones"),
    ],
)
def test_numbers_have_one_spelling(text: str, tokens: str) -> None:
    assert answer_tokens(text) == tuple(tokens.split())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("un millón", "1000000"),
        ("treinta y un soldados", "31 soldados"),
        ("un misil", "misil"),
        ("una de ellas", "de ellas"),
        # Without «un» it would be the beginning of «Kim Jong Il» as well.
        ("Kim Jong Un dos veces", "kim jong un 2 veces"),
        ("Kim Jong-un", "kim jong un"),
        ("KIM JONG UN", "kim jong un"),
        ("el Plan A", "plan a"),
    ],
)
def test_un_is_an_article_a_number_or_a_name(text: str, tokens: str) -> None:
    assert answer_tokens(text) == tuple(tokens.split())


@pytest.mark.parametrize(
    "text",
    [
        "15 de enero de 2024",
        "15 de enero del 2024",
        "15/01/2024",
        "15/1/2024",
        "15-01-2024",
        "15.01.2024",
        "2024-01-15",
        "enero 15, 2024",
        "quince de enero de 2024",
        "15 January 2024",
        "January 15th, 2024",
        "el 15 de enero, 2024",
    ],
)
def test_dates_have_one_spelling(text: str) -> None:
    assert answer_tokens(text) == ("15", "enero", "2024")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("el 15 de enero", "15 enero"),
        ("1.º de mayo", "1 mayo"),
        ("primero de mayo", "1 mayo"),
        ("abril de 2019", "abril 2019"),
        ("April 2019", "abril 2019"),
        ("del 15 al 17 de enero", "de 15 17 enero"),
        ("el lunes, 15 de setiembre", "lunes 15 septiembre"),
        # No dates: a pair of numbers, a month that there is not, a day that there is not.
        ("15/1", "15 1"),
        ("10/13/2024", "10 13 2024"),
        ("2024-01-32", "2024 1 32"),
    ],
)
def test_parts_of_dates(text: str, tokens: str) -> None:
    assert answer_tokens(text) == tuple(tokens.split())


@given(st.lists(WORDS).map(" ".join))
def test_dress_does_not_matter(text: str) -> None:
    tokens = answer_tokens(text)
    assert answer_tokens(f"«{text}». [3]") == tokens
    assert not any("[" in token or "%" in token or token in ("la", "un") for token in tokens)


@given(st.text())
def test_any_text_has_tokens(text: str) -> None:
    assert all(token and token == token.strip() for token in answer_tokens(text))


@given(st.integers(0, 10**9))
def test_figures_are_their_digits(number: int) -> None:
    # 1234567 -> «1.234.567»
    assert answer_tokens(f"{number:,}".replace(",", ".")) == answer_tokens(str(number)) == (str(number),)
