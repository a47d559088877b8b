"""Answers in one spelling, so that the same answer in other words of form counts as the same. Pure.

What is levelled is what a reader would not see as a difference: case, accents, punctuation, articles, and the ways to
write a number or a date.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise

from index.quantities import quantities
from index.spanish import fold

# `a` is an English article; the Spanish preposition goes with it, and so does «al», which is «a el». «del» is «de el».
_ARTICLES = frozenset("el la los las un una unos unas a al an the".split())
_MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
_ENGLISH_MONTHS = "january february march april may june july august september october november december".split()
_MONTH_OF = {
    **{month: month for month in _MONTHS},
    **dict(zip(_ENGLISH_MONTHS, _MONTHS, strict=True)),
    "setiembre": "septiembre",
}
_NAMES_OF_MONTHS = "|".join(_MONTH_OF)
_SCALES = {"mil": 10**3, "millon": 10**6, "millones": 10**6, "mil millones": 10**9, "billones": 10**12}
# quantities() tells no number by these alone; they may be part of one.
_PARTS_OF_NUMBERS = frozenset("un uno una millon millones billon billones".split())

_MARKER = re.compile(r"\[\d+\]")
# «Kim Jong Un» is not «Kim Jong»: what looks like an article ends a name. The underscore keeps it from being one.
_ENDS_A_NAME = re.compile(r"(\w-|\b[A-ZÁÉÍÓÚÑ]\w* (?=[A-Z]))((?i:un|a))\b")
_PERCENT = re.compile(r"\b(?:por ciento|per ?cent)\b|%")
_DAY_FIRST = re.compile(r"(?<![\d/.-])([0-3]?[0-9])([/.-])([01]?[0-9])\2([0-9]{4})(?![\d/-])")
_YEAR_FIRST = re.compile(r"(?<![\d/.-])([0-9]{4})([/.-])([01]?[0-9])\2([0-3]?[0-9])(?![\d/-])")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:\s\d{3})+(?![\d.,]*\d)")
_POINTED = re.compile(r"(?<![\d.,])(\d+)\.(\d{1,2})(?![\d.,]*\d)")
_SCALED = re.compile(r"(?<![\d.,])(\d{1,9}),(\d{1,2}) (mil millones|mil|millon(?:es)?|billones)\b")
_TOKEN = re.compile(r"\d+(?:[.,]\d{3})+(?!\d)|\d+(?:,\d+)?|[^\W\d]+|[.,;:!?()·]")
_ORDINAL = "(?: (?:º|o|er|st|nd|rd|th))?"
_DAY_AND_MONTH = re.compile(
    rf"\b([0-9]{{1,2}}|primero){_ORDINAL}(?: de| of)? ({_NAMES_OF_MONTHS})\b(?: (?:de )?([0-9]{{4}})\b)?"
)
_MONTH_AND_DAY = re.compile(rf"\b({_NAMES_OF_MONTHS}) ([0-9]{{1,2}}){_ORDINAL} (?:de )?([0-9]{{4}})\b")
_MONTH_AND_YEAR = re.compile(rf"\b({_NAMES_OF_MONTHS}) (?:de |of )?([0-9]{{4}})\b")


def normalised(text: str) -> str:
    """Folded words with one space around each.

    >>> normalised("«Seúl», dijo.")
    ' seul dijo '
    """
    return f" {' '.join(re.findall(r'[a-z0-9]+', fold(text)))} "


@lru_cache(maxsize=4096)
def answer_tokens(text: str) -> tuple[str, ...]:
    """The words of an answer that are compared.

    Definition: folded words in their order without punctuation, quotation marks, markers such as [1], percent signs
    and articles (Spanish and English; «al» goes with them, «del» counts as «de»). A number is its digits, a date is
    day, month and year as far as it has them. «15/1» stays a pair of numbers: it may be a score or a fraction.

    Source: the normalisation of SQuAD (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250) with the Spanish
    articles of MLQA (Lewis et al. 2020, https://arxiv.org/abs/1910.07475); numbers and dates are levelled besides.

    >>> answer_tokens("«Casi cinco millones de los proyectiles», el 15/01/2024. [1]")
    ('casi', '5000000', 'de', 'proyectiles', '15', 'enero', '2024')
    """
    words = [word for word in _in_figures(_TOKEN.findall(_figures_levelled(text))) if word[0].isalnum()]
    dated = _dates_levelled(" ".join("de" if word == "del" else word for word in words))
    return tuple(word.rstrip("_") for word in dated.split() if word not in _ARTICLES)


def _figures_levelled(text: str) -> str:
    """Folded text whose dates in figures are written out and whose figures are written as Spanish writes them."""
    level = fold(_ENDS_A_NAME.sub(r"\1\2_", _MARKER.sub(" ", text)))
    level = _PERCENT.sub(" ", level)
    level = _DAY_FIRST.sub(lambda found: _date(found[1], found[3], found[4]) or found[0], level)
    level = _YEAR_FIRST.sub(lambda found: _date(found[4], found[3], found[1]) or found[0], level)
    level = _SPACED.sub(lambda found: re.sub(r"\s", "", found[0]), level)
    level = _POINTED.sub(r"\1,\2", level)
    return _SCALED.sub(_multiplied, level)


def _date(day: str, month: str, year: str) -> str:
    """The date in words, empty if there is no such day."""
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return ""
    return f"{int(day)} de {_MONTHS[int(month) - 1]} de {year}"


def _multiplied(found: re.Match[str]) -> str:
    """«3,5 millones» in digits, as it stands if that is no whole number."""
    value = Decimal(f"{found[1]}.{found[2]}") * _SCALES[found[3]]
    return str(int(value)) if value == int(value) else found[0]


def _in_figures(words: Sequence[str]) -> list[str]:
    """The words with each run of number words put as digits; the other words and the punctuation stay."""
    levelled: list[str] = []
    run: list[str] = []
    for word, following in pairwise([*words, "", ""]):
        if _is_number(word) or (word == "y" and run and _is_number(following)):
            run.append(word)
        else:
            # A lone «un» or «millones» is no number: it stays a word.
            levelled += quantities(" ".join(run)) or run
            levelled += [word] if word else []
            run = []
    return levelled


@cache
def _is_number(word: str) -> bool:
    """Whether a word is a whole number or can be part of one."""
    return word in _PARTS_OF_NUMBERS or any(value.isdecimal() for value in quantities(word))


def _dates_levelled(words: str) -> str:
    """Words with their dates as day, month, year, without what joins these."""
    level = _MONTH_AND_DAY.sub(lambda found: f"{int(found[2])} {found[1]} {found[3]}", words)
    level = _DAY_AND_MONTH.sub(
        lambda found: f"{found[1].replace('primero', '1')} {_MONTH_OF[found[2]]} {found[3] or ''}", level
    )
    return _MONTH_AND_YEAR.sub(lambda found: f"{_MONTH_OF[found[1]]} {found[2]}", level)
