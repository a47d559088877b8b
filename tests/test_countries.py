import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import countries
from index.countries import level, words

# The rules of the table once more, without anything that makes them fast: all alternatives in one row, tried at
# every place, the number of the one that matched naming the word.
CLASSES = str.maketrans(
    {"a": "[aá]", "e": "[eé]", "i": "[ií]", "o": "[oó]", "u": "[uúü]", "n": "[nñ]", "@": "[oa]s?", " ": r"\s"}
)
LINES = [line.split(" = ") for line in countries._TABLE.strip().splitlines()]
PLAIN = re.compile(
    r"(?<!\w)(?:" + "|".join(f"({'|'.join(p.split(', ')).translate(CLASSES)})" for _, p in LINES) + r")(?!\w)"
)
# Whole names, their beginnings and what may stand around them, so that near misses come about often.
PIECES = st.sampled_from(
    "corea coreas del norte sur norcoreano norcoreanas japón japon japonés ee. uu ee.uu. eeuu estados unidos de "
    "américa america estadounidense españa espanol rusia rusa ruso rusos u.n. u.s. u.s.a. república popular china "
    "chinos la india indio irán iraní iraníes gran bretaña unión europea x é · , - .".split()
)
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from([" ", "", "\n", "\u00a0", "-"])), max_size=30).map(
    lambda pairs: "".join(piece + gap for piece, gap in pairs)
)


def plainly_levelled(text: str) -> str:
    return PLAIN.sub(lambda found: LINES[(found.lastindex or 1) - 1][0], text)


@given(TEXTS | st.text().map(str.lower))
def test_fast_matching_gives_what_plain_matching_gives(text: str) -> None:
    assert level(text) == plainly_levelled(text)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("corea del norte", "coreadelnorte"),
        ("norcoreanas", "coreadelnorte"),
        ("north korean", "coreadelnorte"),
        ("surcoreano", "coreadelsur"),
        ("ee. uu.", "eeuu"),
        ("ee.uu.", "eeuu"),
        ("eeuu", "eeuu"),
        ("ee.\u00a0uu.", "eeuu"),
        ("estados\nunidos", "eeuu"),
        ("estados unidos de américa", "eeuu"),
        ("república popular china", "china"),
        ("japonesas", "japon"),
        ("españoles", "espana"),
        ("espanol", "espana"),
        ("naciones unidas", "onu"),
    ],
)
def test_a_name_becomes_the_word_for_it(name: str, word: str) -> None:
    assert level(name) == word
    assert level(f"({name}, ayer)") == f"({word}, ayer)"


@pytest.mark.parametrize("text", ["corea", "rusiana", "prusia", "chinampa", "peruano_x", "usa misiles", "", "«»"])
def test_what_only_looks_like_a_name_stays(text: str) -> None:
    assert level(text) == text


def test_every_word_stands_for_itself() -> None:
    # A levelled text is not levelled into something else when it passes through again.
    assert {word: level(word) for word in words()} == {word: word for word in words()}
