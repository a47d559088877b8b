"""Numbers in words and figures come out in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.quantities import numerals, quantities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("noventa millones", ["90000000"]),
        ("treinta y dos soldados", ["32"]),
        ("mil novecientos ochenta y cuatro", ["1984"]),
        ("tres millones doscientos mil", ["3200000"]),
        ("dos mil millones de dólares", ["2000000000"]),
        ("300 mil", ["300000"]),
        ("un millón", ["1000000"]),
        ("ciento veinte", ["120"]),
        ("del 15 al 17 de enero de 2024", ["15", "17", "2024"]),
        ("dos o tres", ["2", "3"]),
        ("dos, dos", ["2", "2"]),
        ("veinte y pico", ["20"]),
        ("un misil de una sola etapa", []),
        ("3,5 %", ["3,5"]),
        ("Veintidós", ["22"]),
        ("9" * 40, ["9" * 40]),
        ("", []),
    ],
)
def test_numbers_have_one_spelling(text: str, found: list[str]) -> None:
    assert quantities(text) == found


@given(st.integers(0, 999_999_999))
def test_figures_with_and_without_points_are_the_same(number: int) -> None:
    assert quantities(f"{number:,}".replace(",", ".")) == quantities(str(number)) == [str(number)]


@given(st.text(max_size=60))
def test_any_text_has_numbers_or_none(text: str) -> None:
    assert all(each[0].isdecimal() for each in quantities(text))


def test_numerals_are_index_terms() -> None:
    assert {"millon", "dos", "mil"} <= numerals()
    assert "misil" not in numerals()
