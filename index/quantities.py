"""Numbers in Spanish text, in words or figures, in one spelling. Pure."""

import re
from collections.abc import Sequence
from functools import cache

from index.spanish import fold, stem

_UNITS = {
    "cero": 0, "un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7,
    "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15,
    "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19, "veinte": 20, "veintiun": 21,
    "veintiuno": 21, "veintiuna": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25,
    "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29, "treinta": 30, "cuarenta": 40,
    "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "cien": 100, "ciento": 100,
    "doscientos": 200, "doscientas": 200, "trescientos": 300, "trescientas": 300, "cuatrocientos": 400,
    "cuatrocientas": 400, "quinientos": 500, "quinientas": 500, "seiscientos": 600, "seiscientas": 600,
    "setecientos": 700, "setecientas": 700, "ochocientos": 800, "ochocientas": 800, "novecientos": 900,
    "novecientas": 900,
}  # fmt: skip
_ARTICLES = frozenset(("un", "uno", "una"))
# Python refuses to convert a run of thousands of digits; nothing so long is a quantity.
_MOST_DIGITS = 30
_MOST_NUMERALS = 12
_SCALES = {"mil": 1_000, "millon": 1_000_000, "millones": 1_000_000, "billon": 10**12, "billones": 10**12}
_FIGURE = re.compile(r"\d+(?:[.,]\d{3})+(?!\d)|\d+(?:,\d+)?|[^\W\d_]+")


def quantities(text: str) -> list[str]:
    """Numbers of a text in one spelling, as digits.

    >>> quantities("«cinco millones», «5 millones» y «5.000.000»; treinta y dos; una de ellas")
    ['5000000', '5000000', '5000000', '32']
    """
    found = []
    words = _FIGURE.findall(fold(text))
    place = 0
    while place < len(words):
        value, length = _quantity(words[place : place + _MOST_NUMERALS])
        if length and not (length == 1 and words[place] in _ARTICLES):
            found.append(value)
        place += max(1, length)
    return found


def _quantity(words: Sequence[str]) -> tuple[str, int]:
    """The number that words begin with, as digits, and how many of them make it; none for a word that is no number."""
    total = current = length = 0
    for word in words:
        digits = re.sub(r"[.,](?=\d{3}\b)", "", word)
        if digits[0].isdecimal() and length:
            break
        if digits[0].isdecimal() and not (digits.isdecimal() and len(digits) <= _MOST_DIGITS):
            return digits, 1
        if digits.isdecimal():
            current = int(digits)
        elif word in _UNITS and _adds_to(current, words[:length]):
            current += _UNITS[word]
        elif word in _SCALES and (length or word == "mil"):
            total, current = _scaled(total, current, _SCALES[word])
        elif not (word == "y" and length and words[length + 1 : length + 2] and words[length + 1] in _UNITS):
            break
        length += 1
    return str(total + current), length


def _adds_to(current: int, before: Sequence[str]) -> bool:
    """Whether a further number word belongs to the number so far: «ciento veinte», «treinta y dos», not «dos, dos»."""
    if before and before[0][0].isdecimal():
        return False
    return current % 100 == 0 or (before[-1] == "y" and current % 10 == 0)


def _scaled(total: int, current: int, scale: int) -> tuple[int, int]:
    """«dos mil» millones multiplies all before it, «tres millones dos» mil only what follows the millions."""
    if scale > 1_000:
        return max(1, total + current) * scale, 0
    return total + max(1, current) * scale, 0


@cache
def numerals() -> frozenset[str]:
    """Index terms of the words that numbers are made of."""
    return frozenset(stem(word) for word in (*_UNITS, *_SCALES))
