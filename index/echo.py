"""What a text says by itself, without what only repeats the question: that is evidence of nothing.

A question and a text go in; the text without the question's echo comes out, or the share of their common words that is
left without it. Whoever plants an answer for a question in an article plants the question with it, so that it is found;
what then remains does not speak of what is asked. Pure: knows no index, no scores and no models.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from index.spanish import analyse, fold, function_words, question_terms

Rows = Iterator[tuple[int, int]]
"""First and last word of rows of words."""

_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 4
_LEAST_ASKED = 0.75
"""Share of the question's words that stand in a row where a text asks the same."""
_FEWEST_TWICE = 6
_LEAST_LISTED = 0.9
"""Share of its content words that stand side by side where a text lists them."""
_FEWEST_SMALL = 2
_ASKS = re.compile(r"\b(?:qué|quién(?:es)?|cuándo|a?dónde|cómo|cuánt[oa]s?|cuál(?:es)?)\b|\?\W*$|^\W*¿", re.IGNORECASE)
_LATELY = 64
"""How much of what was worked out last is remembered: the passages of a question are looked through again."""
_BEFORE, _AFTER = "¿«“\"'( ", "?»”\"') "


@lru_cache(_LATELY)
def own_words(question: str, text: str) -> str:
    """The text with blanks in the place of the question's echo, so that all offsets stay.

    An echo is a question in the same words, or these words side by side without the small ones that make a sentence of
    them. Of 2,600 questions of SQuAD-es and XQuAD three have one in the paragraph that answers them.

    >>> own_words("¿Quién es el alcalde?", "¿Quién es el alcalde? Juan.")
    '                      Juan.'
    """
    asked = _words(question)
    if not _may_echo(asked, text):
        return text
    told = _words(text)
    again, listed = list(_asked_again(asked, told)), list(_listed(asked, told))
    if not again and not listed:
        return text
    spans = [found.span() for found in _WORD.finditer(text)]
    heard = text
    for first, last in again:
        start, end = _with_signs(text, spans[first][0], spans[last][1])
        # «Juan, quien es el alcalde, vino» asks nothing.
        if _ASKS.search(text[start:end].strip()):
            heard = heard[:start] + " " * (end - start) + heard[end:]
    for first, last in listed:
        start, end = spans[first][0], spans[last][1]
        heard = heard[:start] + " " * (end - start) + heard[end:]
    return heard


def share_of_its_own(question: str, text: str) -> float:
    """How many of the question's terms in a text are left without the echo, over all of them; 1 without an echo."""
    heard = own_words(question, text)
    if heard == text:
        return 1.0
    wanted = set(question_terms(question))
    held = wanted & set(analyse(text))
    return len(wanted & set(analyse(heard))) / len(held) if held else 1.0


@lru_cache(1 << 10)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_folded(word) for word in _WORD.findall(text))


_folded = lru_cache(1 << 16)(fold)


def _content(asked: Sequence[str]) -> set[str]:
    return {word for word in asked if word not in function_words()}


def _fewest_again(asked: Sequence[str]) -> int:
    return max(_FEWEST_WORDS, round(_LEAST_ASKED * len(asked)))


@lru_cache(_LATELY)
def _as_bytes(asked: tuple[str, ...]) -> tuple[tuple[bytes, ...], frozenset[bytes]]:
    """The words a byte for each character, and those of them that are content words."""
    encoded = tuple(word.encode("latin-1", "replace") for word in asked)
    content = _content(asked)
    return encoded, frozenset(each for word, each in zip(asked, encoded, strict=True) if word in content)


def _may_echo(asked: tuple[str, ...], text: str) -> bool:
    """Whether a closer look is worth while. Most texts do not even hold the words, which is seen some ten times faster.

    A word is looked for within others too, so that nothing is missed.
    """
    folded = _single_bytes(text)
    if folded is None:
        return True
    words, content = _as_bytes(asked)
    held = 0
    for word in content:
        held += folded.count(word)
        if held >= _FEWEST_WORDS:
            return True
    fewest, row, left = _fewest_again(asked), 0, len(words)
    for word in words:
        row = row + 1 if word in folded else 0
        left -= 1
        if row >= fewest:
            return True
        if row + left < fewest:
            return False
    return False


# Every character of Latin-1 folds to one of it.
_FOLDED_BYTES = "".join(map(fold, map(chr, range(256)))).encode("latin-1")


def _single_bytes(text: str) -> bytes | None:
    """The folded text, a byte for each character; None where it holds letters that Latin-1 lacks."""
    encoded = text.encode("latin-1", "replace")
    if encoded.count(b"?") > text.count("?") and any(sign > "ÿ" and _WORD.match(sign) for sign in set(text)):
        return None
    return encoded.translate(_FOLDED_BYTES)


def _with_signs(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds with the question marks and quotation marks around them."""
    before, after = text[:start], text[end:]
    return len(before.rstrip(_BEFORE)), end + len(after) - len(after.lstrip(_AFTER))


def _asked_again(asked: Sequence[str], told: Sequence[str]) -> Rows:
    """The longest rows of words that stand in the question too."""
    least = _fewest_again(asked)
    before = [0] * len(asked)
    for place, word in enumerate([*told, ""]):
        # How many words up to this one are those up to each of the question's.
        row = [1 + (before[at - 1] if at else 0) if word == each else 0 for at, each in enumerate(asked)]
        for at, length in enumerate(before):
            if length >= least and not (at + 1 < len(asked) and row[at + 1]):
                yield place - length, place - 1
        before = row


def _listed(asked: Sequence[str], told: Sequence[str]) -> Rows:
    """Rows of nothing but the question's content words that are no sentence.

    They have less than half of the small words between them that the question has, or say the same twice over.
    """
    wanted = _content(asked)
    small = _words_between([place for place, word in enumerate(asked) if word in wanted])
    content = ((place, told[place] in wanted) for place in range(len(told)) if told[place] not in function_words())
    for known, row in groupby(content, key=itemgetter(1)):
        places = [place for place, _ in row]
        said = {told[place] for place in places}
        whole = len(said) >= max(_FEWEST_WORDS, _LEAST_LISTED * len(wanted))
        twice = len(places) >= max(_FEWEST_TWICE, 2 * len(said))
        # «El panadero Julián Ortega abrió» has all words of «¿Qué abrió el panadero Julián Ortega?» and says something.
        bare = small >= _FEWEST_SMALL and 2 * _words_between(places) < small
        if known and (twice or (whole and bare)):
            yield places[0], places[-1]


def _words_between(places: Sequence[int]) -> int:
    return places[-1] - places[0] + 1 - len(places) if places else 0
