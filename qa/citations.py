"""A draft -> statements with citations that were found in the files, and what was turned down.

Pure: texts come in, texts and offsets go out. A quotation is always sliced from the document here, so that none can say
what its file does not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from index import countries
from index.plain import plain
from index.quantities import numerals, quantities
from index.spanish import analyse, fold, sentences
from index.types import Document
from qa.types import Citation, Draft, Part, Rejected, Span

MOST_CITATIONS = 3
MOST_QUOTED_CHARACTERS = 600
LONGEST_QUOTE_CHARACTERS = 400
LEAST_COVERAGE = 0.6
"""Share of a composed sentence's content words that its evidence must hold."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or run of words that holds, with the markers of the citations that hold it."""

    text: str
    markers: tuple[int, ...] = ()

    def __str__(self) -> str:
        marked = "".join(f"[{marker}]" for marker in self.markers)
        return f"{self.text} {marked}" if marked else self.text


@dataclass(frozen=True, slots=True)
class Verified:
    """The statements that hold, the citations behind them, and the rest.

    `apart` says that the statements are quotations side by side and no running text.
    """

    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    apart: bool = True

    @property
    def text(self) -> str:
        """The statements with their markers."""
        return (" · " if self.apart else " ").join(map(str, self.statements))


def verify(draft: Draft, documents: Mapping[str, Document], translated: bool = False) -> Verified:
    """Keeps the parts that their evidence holds, each with its citations, within the limits on quotation.

    `translated` says that the answer is in another language than the articles: then only numbers and names are
    compared. Parts beyond `MOST_CITATIONS` or `MOST_QUOTED_CHARACTERS` are left out, the first never.
    """
    statements: list[Statement] = []
    citations: list[Citation] = []
    rejected: list[Rejected] = []
    for part in draft.parts:
        found = _evidence(part, documents, translated)
        if isinstance(found, Rejected):
            rejected.append(found)
        elif statements and not _has_room(citations, found):
            rejected.append(Rejected(part.text, "beyond the limit on quotations"))
        else:
            markers = tuple(add(citation, citations) for citation in found)
            long = part.copied and len(part.text) > LONGEST_QUOTE_CHARACTERS
            text = plain(found[0].quote)[0] if long else part.text
            statements.append(Statement(text, markers))
    apart = all(part.copied for part in draft.parts)
    return Verified(tuple(statements), tuple(citations), tuple(rejected), apart)


def add(citation: Citation, citations: list[Citation]) -> int:
    """Puts a citation at the end unless its quotation is there already; gives its marker."""
    for known in citations:
        if (known.file, known.start, known.end) == (citation.file, citation.start, citation.end):
            return known.marker
    citations.append(replace(citation, marker=len(citations) + 1))
    return len(citations)


def _has_room(citations: Sequence[Citation], more: Sequence[Citation]) -> bool:
    lengths = {(each.file, each.start, each.end): len(each.quote) for each in (*citations, *more)}
    return len(lengths) <= MOST_CITATIONS and sum(lengths.values()) <= MOST_QUOTED_CHARACTERS


def _evidence(part: Part, documents: Mapping[str, Document], translated: bool) -> list[Citation] | Rejected:
    spans = [span for span in part.spans if _stands(span, documents)]
    if not part.text.strip() or not spans:
        return Rejected(part.text, "no evidence given")
    if part.copied:
        span = spans[0]
        if documents[span.document_id].text[span.start : span.end] != part.text:
            return Rejected(part.text, "not in the cited text")
        return [cite(documents[span.document_id], span)]
    return _composed_evidence(part, spans, documents, translated)


def _stands(span: Span, documents: Mapping[str, Document]) -> bool:
    document = documents.get(span.document_id)
    return document is not None and 0 <= span.start < span.end <= len(document.text)


def _composed_evidence(
    part: Part, spans: Sequence[Span], documents: Mapping[str, Document], translated: bool
) -> list[Citation] | Rejected:
    held = " ".join(documents[span.document_id].text[span.start : span.end] for span in spans)
    missing = unsupported(part.text, held, translated)
    if missing:
        return Rejected(part.text, f"not in the cited text: {', '.join(missing)}")
    quoted = [_closest_sentence(part.text, span, documents[span.document_id]) for span in spans[:MOST_CITATIONS]]
    shown = " ".join(plain(citation.quote)[0] for citation in quoted)
    # The quotation is what the user sees, so it, and not only its passage, must hold the figures.
    absent = unsupported(part.text, shown, translated=True)
    return Rejected(part.text, f"not in one quotation: {', '.join(absent)}") if absent else quoted


def unsupported(statement: str, evidence: str, translated: bool = False) -> list[str]:
    """What a statement says and its evidence does not: numbers, then names, then too many of its content words.

    >>> unsupported("Putin visitó Pekín en 2001.", "Putin visitó Pyongyang en 2000.")
    ['2001', 'pekin']
    """
    told = set(quantities(statement)) - set(quantities(evidence))
    stems = set(analyse(evidence))
    named = _missing_names(statement, evidence, stems)
    if told or named:
        return [*sorted(told), *named]
    # Numbers were compared above, in any spelling.
    content = {term for term in analyse(statement) if not term.isdecimal() and term not in numerals()}
    if translated or not content or len(content & stems) / len(content) >= LEAST_COVERAGE:
        return []
    return sorted(content - stems)


def _missing_names(statement: str, evidence: str, stems: set[str]) -> list[str]:
    """Capitalised words and countries that the evidence does not name; a country may have any of its names."""
    words = set(re.findall(r"\w+", fold(evidence)))
    told = set(analyse(statement))
    absent = [name for name in _names(statement) if fold(name) not in words and not set(analyse(name)) & stems]
    # What is gone from the statement's terms is part of a country's name («Estados», «EE») and compared as such.
    other = [fold(name) for name in absent if set(analyse(name)) <= told]
    return [*dict.fromkeys(other), *sorted(told & countries.words() - stems - set(other))]


def _names(text: str) -> list[str]:
    opening = re.compile(r"(?:^|[.!?…:]\s+)[«“\"'¿¡(]*$")
    capitalised = re.finditer(r"\b[A-ZÁÉÍÓÚÑÜ][\w'-]+", text)
    return [word.group() for word in capitalised if not opening.search(text[: word.start()])]


def _closest_sentence(statement: str, span: Span, document: Document) -> Citation:
    wanted = set(analyse(statement)) | set(quantities(statement))
    text = document.text[span.start : span.end]

    def overlap(bounds: tuple[int, int]) -> int:
        quoted = text[bounds[0] : bounds[1]]
        return len(wanted & (set(analyse(quoted)) | set(quantities(quoted))))

    start, end = max(sentences(text) or [(0, len(text))], key=overlap)
    return cite(document, Span(document.id, span.start + start, span.start + end))


def cite(document: Document, answer: Span, marker: int = 1) -> Citation:
    """The citation of a run of a document: its whole sentence, a long one clipped at clause ends around the run.

    A run that crosses sentence ends is quoted from the first sentence's start to the last one's end. A run longer
    than `LONGEST_QUOTE_CHARACTERS` is cut to it.
    """
    start, end = _enclosing(document.text, answer.start, answer.end)
    start, end = _clipped(document.text, start, end, answer.start, answer.end)
    place, place_end = document.place(start, end)
    answer_place, answer_end = document.place(max(start, answer.start), min(end, answer.end))
    return Citation(
        marker=marker,
        file=document.file,
        sha256=document.sha256,
        encoding=document.encoding,
        start=place,
        end=place_end,
        line=document.line(place),
        quote=document.written[place:place_end],
        answer_start=answer_place,
        answer_end=answer_end,
    )


def _enclosing(text: str, start: int, end: int) -> tuple[int, int]:
    """Bounds of the sentences that a run touches; only its own lines are divided."""
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    breaks = [place for place in (text.find("\n", end), text.find("\r", end)) if place >= 0]
    last = min(breaks, default=len(text))
    touched = [(first + a, first + b) for a, b in sentences(text[first:last]) if first + a < end and first + b > start]
    return min([start, *(a for a, _ in touched)]), max([end, *(b for _, b in touched)])


def _clipped(text: str, start: int, end: int, answer_start: int, answer_end: int) -> tuple[int, int]:
    if end - start <= LONGEST_QUOTE_CHARACTERS:
        return start, end
    clauses = [start, *(start + m.end() for m in re.finditer(r"[,;:]\s+", text[start:end])), end]
    starts, ends = [c for c in clauses if c <= answer_start], [c for c in clauses if c >= answer_end]
    # The answer's own clause is completed before others are put in front of it.
    own_end = ends[0] if ends[0] - starts[-1] <= LONGEST_QUOTE_CHARACTERS else answer_end
    clipped_start = min((c for c in starts if own_end - c <= LONGEST_QUOTE_CHARACTERS), default=answer_start)
    after = [c for c in ends if c - clipped_start <= LONGEST_QUOTE_CHARACTERS]
    clipped_end = max(after, default=min(answer_end, clipped_start + LONGEST_QUOTE_CHARACTERS))
    stripped_end = clipped_start + len(text[clipped_start:clipped_end].rstrip(" ,;:"))
    return clipped_start, max(stripped_end, min(answer_end, clipped_end))
