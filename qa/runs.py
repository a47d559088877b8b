"""A passage as the tokens of a model, and where in them a run of its words may begin and end.

The copying reader answers with a run of a passage's own tokens. What may be such a run is laid down here, once, for the
training and for the decoder: the distribution that is trained is the one that decodes.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_FIGURE = re.compile(r"\d[.,:]\d")
_OPENING = "«“\"'‘(¿¡[-–+€$£#@"
_CLOSING = "»”\"'’)?!].…%‰°º€$£"


class SpellingError(ValueError):
    """The tokens of a text do not stand for it: the tokeniser drops some control characters."""


LONGEST_RUN = 48
"""Tokens of a run at most: a long sentence."""

Piece = Callable[[int], bytes]
"""The bytes that a token stands for."""


@dataclass(frozen=True, slots=True)
class TokenText:
    """A text and its tokens.

    Token `i` stands for the code points from `starts[i]` (blanks before it are skipped) to `ends[i]`; a run may begin
    with it if `begins[i]` and end with it if `closes[i]`.
    """

    text: str
    tokens: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    begins: tuple[bool, ...]
    closes: tuple[bool, ...]

    def run(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and last token of the shortest run that covers code points `start` to `end`.

        None where no run of at most `LONGEST_RUN` tokens does.
        """
        first = bisect_right(self.ends, start)
        last = bisect_left(self.starts, end) - 1
        while first > 0 and first < len(self.tokens) and not self.begins[first]:
            first -= 1
        while last < len(self.tokens) - 1 and not self.closes[last]:
            last += 1
        if not 0 <= first <= last < len(self.tokens) or last - first >= LONGEST_RUN:
            return None
        return (first, last) if self.begins[first] and self.closes[last] else None


def token_text(text: str, tokens: Sequence[int], piece: Piece) -> TokenText:
    """The text with its tokens, whose pieces are the bytes of the text in order.

    Raises `SpellingError` where they are not.
    """
    points = _points(text)
    starts, ends, begins, closes = [], [], [], []
    at = 0
    for token in tokens:
        end = at + len(piece(token))
        if end >= len(points):
            raise SpellingError("the tokens stand for more than the text")
        first, last = _point(points, at), _point(points, end)
        while first < last and text[first].isspace():
            first += 1
        starts.append(first)
        ends.append(last)
        # A letter may be divided between two tokens: a word can begin with its first half and end with its second.
        begins.append(points[at] is not None and first < last and _may_begin(text, first))
        closes.append(points[end] is not None and at < end and _may_end(text, last))
        at = end
    if at != len(points) - 1:
        raise SpellingError("the tokens stand for less than the text")
    return TokenText(text, tuple(tokens), tuple(starts), tuple(ends), tuple(begins), tuple(closes))


def _points(text: str) -> list[int | None]:
    """For every byte offset of the text the code point that begins there; None within one."""
    points: list[int | None] = []
    for number, character in enumerate(text):
        points += [number] + [None] * (len(character.encode()) - 1)
    return [*points, len(text)]


def _point(points: Sequence[int | None], offset: int) -> int:
    """The code point at or after a byte offset."""
    while (point := points[offset]) is None:
        offset += 1
    return point


def _may_begin(text: str, point: int) -> bool:
    """Whether a word begins at a code point, or signs that belong to the word after them."""
    if not is_word_boundary(text, point):
        return False
    while point < len(text) and text[point] in _OPENING:
        point += 1
    return point < len(text) and text[point].isalnum()


def _may_end(text: str, point: int) -> bool:
    return is_word_boundary(text, point) and (_in_word(text[point - 1]) or text[point - 1] in _CLOSING)


def is_word_boundary(text: str, index: int) -> bool:
    """Whether no word and no figure («1.500», «3,5», «14:30») runs across `index`.

    An accent written as its own code point belongs to the letter before it.

    >>> [i for i in range(5) if is_word_boundary("a la", i)]
    [0, 1, 2, 4]
    """
    if index <= 0 or index >= len(text):
        return True
    if _in_word(text[index - 1]) and _in_word(text[index]):
        return False
    return not (_FIGURE.match(text, index - 1) or (index > 1 and _FIGURE.match(text, index - 2)))


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
