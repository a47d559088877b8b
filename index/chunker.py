"""Document -> Passages, purely.

A passage is what a question can find: a run of whole sentences, by preference one paragraph. Lines are paragraphs.
Nothing here knows of files, scores or models.
"""

import math
import re
from dataclasses import dataclass

from index.spanish import sentences
from index.types import Document, Passage

Span = tuple[int, int]

_LINE = re.compile(r"[^\r\n]+")
_CLAUSE_GAP = re.compile(r"(?<=[;:,])\s+")
_WORD_GAP = re.compile(r"\s+")
_SENTENCE_ENDS = ".!?…»”\"')]"
# Sentences up to this many times the maximum stay whole: half a sentence is poor evidence.
_LONGEST_SENTENCE = 1.5
_CUT_OFF = re.compile(
    r"(?:…|\.{3,})\s*[\])]?\s*"
    r"(?:[\[(]?(?:(?:leer|lee|ver|saber|read)\s+(?:más|mas|more)|(?:seguir|sigue|continuar|continúa)\s+leyendo)\W*)?$",
    re.IGNORECASE,
)
# Long enough for an ellipsis and its closing words; keeps the search off the rest of a long paragraph.
_CUT_OFF_CHARACTERS = 60
_FEWEST_TEASERS = 2


@dataclass(frozen=True, slots=True)
class ChunkerSettings:
    """Lengths in characters: shorter paragraphs join the next one, longer ones are divided."""

    max_characters: int = 700
    min_characters: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.min_characters <= self.max_characters or self.max_characters < 1:
            raise ValueError(f"no passages of {self.min_characters} to {self.max_characters} characters")


def passages(document: Document, settings: ChunkerSettings) -> list[Passage]:
    """The passages of a document in order; they do not overlap and leave out nothing but white space.

    Teasers of other stories at its head or tail are passages of their own, marked as boilerplate.
    """
    text = document.text
    paragraphs = _paragraphs(text)
    head, tail = _teasers(text, paragraphs)
    article = _joined(text, paragraphs[head : len(paragraphs) - tail], settings)
    units = [(unit, True) for unit in paragraphs[:head]]
    units += [(unit, False) for unit in article]
    units += [(unit, True) for unit in paragraphs[len(paragraphs) - tail :]]
    return [
        Passage(f"{document.id}:{start}-{end}", document.id, start, end, text[start:end], boilerplate)
        for unit, boilerplate in units
        for start, end in _divided(text, unit, settings.max_characters)
    ]


def _paragraphs(text: str) -> list[Span]:
    spans = []
    for line in _LINE.finditer(text):
        content = line.group()
        start = line.start() + len(content) - len(content.lstrip())
        end = line.start() + len(content.rstrip())
        if start < end:
            spans.append((start, end))
    return spans


def _teasers(text: str, paragraphs: list[Span]) -> tuple[int, int]:
    """How many paragraphs at the head and at the tail announce other stories: runs of ones cut off by an ellipsis.

    A document of nothing else has no story of its own that they could surround, so they are its text.
    """
    marks = [_is_cut_off(text, span) for span in paragraphs]
    if all(marks):
        return 0, 0
    head, tail = marks.index(False), marks[::-1].index(False)
    return (head if head >= _FEWEST_TEASERS else 0), (tail if tail >= _FEWEST_TEASERS else 0)


def _is_cut_off(text: str, paragraph: Span) -> bool:
    start, end = paragraph
    found = _CUT_OFF.search(text[max(start, end - _CUT_OFF_CHARACTERS) : end])
    # A lone "[…]" stands for an omission; a teaser has words.
    return found is not None and any(character.isalnum() for character in text[start : end - len(found.group())])


def _joined(text: str, paragraphs: list[Span], settings: ChunkerSettings) -> list[Span]:
    """Paragraphs with the short ones joined to what they precede; a short last one joins what precedes it."""
    units: list[Span] = []
    for start, end in paragraphs:
        if units and _belongs(text, units[-1], end, settings):
            units[-1] = (units[-1][0], end)
        else:
            units.append((start, end))
    if len(units) > 1 and _length(units[-1]) < settings.min_characters:
        whole = (units[-2][0], units[-1][1])
        if _length(whole) <= settings.max_characters:
            units[-2:] = [whole]
    return units


def _belongs(text: str, unit: Span, following_end: int, settings: ChunkerSettings) -> bool:
    if _length(unit) >= settings.min_characters:
        return False
    # A heading goes with its paragraph even if the two have to be divided again further down.
    is_heading = text[unit[1] - 1] not in _SENTENCE_ENDS
    return is_heading or following_end - unit[0] <= settings.max_characters


def _divided(text: str, unit: Span, limit: int) -> list[Span]:
    """The unit itself if it is short enough, otherwise pieces of it that end where sentences end, where possible."""
    if _length(unit) <= limit:
        return [unit]
    whole = [(unit[0] + start, unit[0] + end) for start, end in sentences(text[unit[0] : unit[1]])]
    return _even([part for sentence in whole for part in _parts(text, sentence, limit)], limit)


def _parts(text: str, sentence: Span, limit: int) -> list[Span]:
    """A sentence, or if it is far too long its clauses, the words of a long clause, the pieces of a long word."""
    if _length(sentence) <= limit * _LONGEST_SENTENCE:
        return [sentence]
    parts = _split(text, [sentence], _CLAUSE_GAP, limit)
    parts = _split(text, parts, _WORD_GAP, limit)
    return [(cut, min(cut + limit, end)) for start, end in parts for cut in range(start, end, limit)]


def _split(text: str, spans: list[Span], gap: re.Pattern[str], limit: int) -> list[Span]:
    parts: list[Span] = []
    for start, end in spans:
        if end - start <= limit:
            parts.append((start, end))
            continue
        edges = [start, *(edge for found in gap.finditer(text, start, end) for edge in found.span()), end]
        parts += zip(edges[::2], edges[1::2], strict=True)
    return parts


def _even(parts: list[Span], limit: int) -> list[Span]:
    """Neighbouring parts joined into runs of similar length, none over the limit unless a single part is.

    >>> _even([(0, 30), (30, 60), (60, 90), (90, 100)], 70)
    [(0, 60), (60, 100)]
    """
    runs: list[Span] = []
    first = 0
    while first < len(parts):
        start = parts[first][0]
        left = parts[-1][1] - start
        target = left / math.ceil(left / limit)
        last = first
        while last + 1 < len(parts) and _is_better(parts[last + 1][1] - start, parts[last][1] - start, target, limit):
            last += 1
        runs.append((start, parts[last][1]))
        first = last + 1
    return runs


def _is_better(longer: int, length: int, target: float, limit: int) -> bool:
    return longer <= limit and abs(longer - target) <= abs(length - target)


def _length(span: Span) -> int:
    return span[1] - span[0]
