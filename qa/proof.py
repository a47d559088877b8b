"""A reading -> what may be shown of it: statements that their evidence holds, or a refusal that says why.

The last gate before an answer: quotations are compared with the files as they are now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from index import corpus
from index.errors import CorpusError
from index.generation import StoredIndex
from index.spanish import is_english
from index.types import Document, Hit
from qa.citations import Statement, Verified, add, verify
from qa.overview import summarise
from qa.reader import Reading
from qa.types import Citation, Draft, Part, Reason, Span

NO_ANSWER = "No consta."


class Listener(Protocol):
    """Who follows a question on its way, to show at once what is certain."""

    def understood(self, question: str) -> None:
        """The question that is being answered, where it is not the one that was asked."""

    def stated(self, statement: Statement, citations: tuple[Citation, ...]) -> None:
        """A proven statement of an answer that is still growing, with the citations that are new with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What reading came to, before it becomes a record. `search_seconds` is the part of its time spent on retrieval."""

    verified: Verified
    confidence: float | None
    reason: Reason | None = None
    hits: tuple[Hit, ...] = ()
    notices: tuple[str, ...] = ()
    understood: str | None = None
    search_seconds: float = 0.0


def overview(index: StoredIndex, documents: Sequence[Document]) -> Found:
    """The sentences that say most of these articles, cited like any answer."""
    wanted = {document.id: document for document in documents}
    draft = summarise([passage for passage in index.passages if passage.document_id in wanted])
    if not draft.parts:
        return refusal("no_evidence", (), 0.0, ("no sentence is long enough to sum anything up",))
    names = "los artículos" if len(wanted) > 1 else documents[0].file
    return Found(verify(draft, wanted), 1.0, understood=f"Resumen de {names}")


def proven(reading: Reading, documents: Mapping[str, Document], hits: tuple[Hit, ...]) -> Found:
    """What of a reading its evidence holds; the best quotation where nothing of it does."""
    verified = verify(reading.draft, documents, _translated(reading.draft.parts))
    if not verified.citations:
        quoted = verify(reading.fallback, documents)
        verified = replace(quoted, rejected=(*verified.rejected, *quoted.rejected))
    if not verified.citations:
        refused = refusal("unsupported", hits, reading.draft.confidence)
        return replace(refused, verified=replace(verified, statements=refused.verified.statements))
    return Found(verified, reading.fallback.confidence, hits=hits)


def _translated(parts: Sequence[Part]) -> bool:
    """Whether a draft is in English: across languages only numbers and names can be compared word by word.

    The first part decides for all, so that what was shown of a draft still holds when it has grown.
    """
    return bool(parts) and is_english(parts[0].text)


def telling(listener: Listener, documents: Mapping[str, Document], root: Path) -> Callable[[Sequence[Part]], None]:
    """Something to call with the parts of a draft as it grows: it tells each that holds, once."""
    told: list[Statement] = []
    cited: list[Citation] = []

    def watch(parts: Sequence[Part]) -> None:
        verified = verify(Draft(tuple(parts), 0.0), documents, _translated(parts))
        require_unchanged(root, verified.citations[len(cited) :])
        for statement in verified.statements[len(told) :]:
            new = tuple(each for each in verified.citations[len(cited) :] if each.marker in statement.markers)
            listener.stated(statement, new)
            told.append(statement)
            cited.extend(new)

    return watch


def merged(questions: Sequence[str], found: Sequence[Found]) -> Found:
    """The answers to several questions of one line as one: the best statement of each, or that there is none.

    It is a refusal only where all are; then the first one's reason is its own. Nothing is surer than its weakest part.
    """
    common: dict[str, Any] = {
        "hits": _together(found),
        "notices": tuple(dict.fromkeys(notice for each in found for notice in each.notices)),
        "understood": _all_understood(questions, found),
        "search_seconds": sum(each.search_seconds for each in found),
    }
    rejected = tuple(one for each in found for one in each.verified.rejected)
    if all(each.reason for each in found):
        return replace(found[0], verified=replace(found[0].verified, rejected=rejected), **common)
    statements: list[Statement] = []
    citations: list[Citation] = []
    for question, each in zip(questions, found, strict=True):
        best = each.verified.statements[0]
        markers = tuple(add(cited, citations) for cited in each.verified.citations if cited.marker in best.markers)
        text = f"{NO_ANSWER.rstrip('.')}: {question}" if each.reason else best.text
        if Statement(text, markers) not in statements:
            statements.append(Statement(text, markers))
    sure = (each.confidence for each in found if each.confidence is not None and not each.reason)
    return Found(Verified(tuple(statements), tuple(citations), rejected), min(sure, default=None), **common)


def _together(found: Sequence[Found]) -> tuple[Hit, ...]:
    """The passages of several searches, the best of each first, ranked anew."""
    once: dict[str, Hit] = {}
    for hit in sorted((hit for each in found for hit in each.hits), key=lambda hit: hit.rank):
        once.setdefault(hit.passage.id, hit)
    return tuple(replace(hit, rank=number) for number, hit in enumerate(once.values(), 1))


def _all_understood(questions: Sequence[str], found: Sequence[Found]) -> str | None:
    if not any(each.understood for each in found):
        return None
    return " ".join(each.understood or question for question, each in zip(questions, found, strict=True))


def refusal(reason: Reason, hits: tuple[Hit, ...], confidence: float, notices: tuple[str, ...] = ()) -> Found:
    """The answer "No consta.", and why; the nearest passages stay in the record."""
    return Found(Verified((Statement(NO_ANSWER),)), confidence, reason, hits, notices)


def spans_of(citations: Sequence[Citation], documents: Sequence[Document]) -> tuple[Span, ...]:
    """Where quotations stand among the documents, those of a file that is not as it was cited left out."""
    as_cited = {(document.file, document.sha256): document for document in documents}
    known = ((as_cited.get((each.file, each.sha256)), each) for each in citations)
    return tuple(Span(cited.id, *cited.span(each.start, each.end)) for cited, each in known if cited is not None)


def require_unchanged(root: Path, citations: Sequence[Citation]) -> None:
    """Reads each cited file once more: a quotation is proven only if it stands there now.

    Raises `CorpusError` if one does not.
    """
    for citation in citations:
        try:
            document = corpus.read(root, citation.file)
        except (OSError, corpus.NotTextError) as error:
            raise CorpusError(f"{citation.file} is gone ({error})", "the file that was cited", "ask again") from error
        if document.sha256 != citation.sha256 or document.written[citation.start : citation.end] != citation.quote:
            raise CorpusError(f"{citation.file} changed while it was read", "a file at rest", "ask again")
