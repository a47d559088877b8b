"""Plain text says what is written in one way only, and every offset in it leads back to the file."""

import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.plain import plain
from index.types import Document, Passage

PIECES = [
    "a",
    "É",
    "e\u0301",
    "n\u0303",
    "q\u0301",
    "7\u0301",
    "_\u0301",
    " ",
    "\u00a0",
    "\n",
    "\r",
    "\r\n",
    "\u2028",
    "\u00ad",
    "\x1b",
    "¿",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ARTICLE = "El líder llegó a Pyongyang.\nLa «limusina» costó 3.500 €: ¿quién la pagó?\n\nNadie lo sabe aún.\n"


def document(written: str) -> Document:
    return Document("d1", "a.txt", "0" * 64, "utf-8", *plain(written))


@pytest.mark.parametrize(
    "written",
    [
        unicodedata.normalize("NFD", ARTICLE),
        ARTICLE.replace("\n", "\r\n"),
        ARTICLE.replace("\n", "\r"),
        ARTICLE.replace("\n", "\u2028"),
        ARTICLE.replace(" ", "\u00a0"),
        ARTICLE.replace("limusina", "li\u00admu\u00adsi\u00adna"),
        ARTICLE.replace("o", "o\u200b"),
        ARTICLE.replace("Nadie", "\u202eNadie\u202c"),
        ARTICLE.replace("costó", "\x1bcost\x07ó"),
    ],
)
def test_the_same_text_is_read_however_it_is_written(written: str) -> None:
    assert plain(written)[0] == ARTICLE


def test_an_ordinary_text_is_plain_already() -> None:
    assert plain(ARTICLE) == (ARTICLE, None)


def test_a_mark_that_makes_no_letter_of_its_own_stays() -> None:
    assert plain("q\u0301 7\u0301") == ("q\u0301 7\u0301", None)


@given(TEXTS)
def test_plain_text_is_plain(written: str) -> None:
    assert plain(plain(written)[0])[1] is None


@given(TEXTS)
def test_what_stands_in_the_file_is_that_very_text(written: str) -> None:
    article = document(written)
    assert article.written == written
    for start, end in combinations(range(len(article.text) + 1), 2):
        place, place_end = article.place(start, end)
        assert plain(written[place:place_end])[0] == plain(article.text[start:end])[0]
        assert article.span(place, place_end) == (start, end)


@given(TEXTS, st.data())
def test_any_place_in_the_file_is_in_the_text(written: str, data: st.DataObject) -> None:
    article = document(written)
    start = data.draw(st.integers(0, len(written)))
    end = data.draw(st.integers(start, len(written)))
    first, last = article.span(start, end)
    assert 0 <= first <= last <= len(article.text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(end: str) -> None:
    article = document(ARTICLE.replace("\n", end))
    place, _ = article.place(article.text.index("Nadie"), len(article.text))
    assert article.line(place) == 4


def test_a_passage_is_shown_as_it_is_written() -> None:
    article = document("Ayer.\r\nLlego\u0301 Kim.")
    assert article.as_written(Passage("d1:6-16", "d1", 6, 16, "Llegó Kim.")) == Passage(
        "d1:6-16", "d1", 7, 18, "Llego\u0301 Kim."
    )
