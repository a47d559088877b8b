"""Articles written to take long: whatever they hold, the time to read, divide and index them grows as they do.

What is measured is the time of the processor for a text and for one four times as long. Nothing is stored here.
"""

import re
import time
from collections.abc import Callable

import pytest

from index.chunker import ChunkerSettings, passages
from index.corpus import decode
from index.lexical import LexicalIndex
from index.plain import plain
from index.spelling import Spelling
from index.types import Document
from tests.torture.trials import trials

BYTES = trials(50_000, 2_500_000)
TIMES = 4
MOST_TIMES = 9.0
"""Four times the time is linear, sixteen times quadratic."""
LEAST_SECONDS = 0.03
"""What takes less is told by nothing but chance."""
TRIES = 3
Figure = Callable[[str], None]

# What stands at the beginning, what is repeated, what stands at the end.
BOMBS = {
    "one word": ("", "a", ""),
    "one figure": ("", "1", ""),
    "question marks": ("", "¿", ""),
    "full stops": ("", ".", ""),
    "ellipses": ("", "…", "x"),
    "stops and quotation marks": ("", '."', "x"),
    "a stop and brackets": (".", ")", "x"),
    "quotations that never end": ("", "«a", ""),
    "quotation marks of all kinds": ("", '«“"', "x"),
    "words of one letter": ("", "ñ ", "."),
    "sentences of one word": ("", "Sí. ", ""),
    "initials": ("", "A. ", "Fin."),
    "abbreviations": ("", "EE. UU. ", ""),
    "lines of one word": ("", "hola.\r\n", ""),
    "empty lines": ("x", "\n", "1"),
    "colons and lines": ("", ":\n", "x"),
    "blanks": ("x", " ", "x"),
    "commas and blanks": ("x", ", ", "x"),
    "one comma and blanks": ("x,", " ", "x"),
    "blanks of other kinds": ("", "\u00a0a", "\u2003"),
    "what cannot be seen": ("", "\u200ba", ""),
    "accents on one letter": ("a", "\u0301", "."),
    "accents on their own": ("", "a\u0301", ""),
    "teasers": ("", "Otra historia…\n", ""),
    "teasers to read on": ("", "… leer más ", ""),
    "titles": ("", "Titular\n", ""),
}


def article(name: str, size: int) -> bytes:
    first, repeated, last = BOMBS[name]
    return (first + repeated * (size // len(repeated.encode())) + last).encode()


def index_alone(raw: bytes) -> None:
    """All that is done with an article but for embedding and storing it."""
    text, encoding = decode(raw)
    document = Document("d", "a.txt", "0", encoding, *plain(text))
    LexicalIndex.build([passage.text for passage in passages(document, ChunkerSettings())])
    Spelling([document.text])


def growth(work: Callable[[bytes], object], short: bytes, long: bytes) -> float:
    """How many times as long the long text takes; 1 where that is too soon over to tell.

    What else the machine does can lengthen a time: what seems too long is measured again.
    """
    least = float("inf")
    for _ in range(TRIES):
        took, takes = seconds_for(work, short), seconds_for(work, long)
        least = min(least, takes / took if takes > LEAST_SECONDS else 1.0)
        if least < MOST_TIMES:
            break
    return least


def seconds_for(work: Callable[[bytes], object], raw: bytes) -> float:
    began = time.process_time()
    work(raw)
    return time.process_time() - began


@pytest.mark.timeout(1200)
def test_time_grows_as_the_article_does(figure: Figure) -> None:
    grown = {name: growth(index_alone, article(name, BYTES), article(name, TIMES * BYTES)) for name in BOMBS}
    assert {name: times for name, times in grown.items() if times >= MOST_TIMES} == {}
    figure(f"{len(grown)} kinds of {TIMES * BYTES:,} bytes: {max(grown.values()):.1f} times the time for {TIMES} times")


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_time_grows_as_the_article_does_in_other_encodings(encoding: str) -> None:
    short, long = ("ñ " * (times * BYTES // 2) for times in (1, TIMES))
    assert growth(index_alone, short.encode(encoding), long.encode(encoding)) < MOST_TIMES


def test_a_rule_that_takes_the_square_of_the_time_is_found_out() -> None:
    looks_again_from_every_line = re.compile(r"\n\s*[a-z]")
    short, long = ("x" + "\n" * length + "1" for length in (1_000, 4_000))
    times = growth(lambda raw: looks_again_from_every_line.search(raw.decode()), short.encode(), long.encode())
    assert times > MOST_TIMES
