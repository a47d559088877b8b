"""The vocabulary of the answering half: what a reader proposes, what is proven, what is answered.

Offsets are Unicode code points in `Document.text`.
"""

from dataclasses import dataclass, field
from typing import Literal

from index.types import Hit

Reason = Literal["no_evidence", "low_confidence", "unsupported", "outside_dates"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of one document's text, `document.text[start:end]`."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One statement of a draft with the spans that are said to hold it.

    `copied` is true where `text` is itself the text of its one span; a composed sentence is the model's own wording
    and must still be checked against its spans.
    """

    text: str
    spans: tuple[Span, ...]
    copied: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader proposes, not yet verified. No parts means the reader found no answer."""

    parts: tuple[Part, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation that was found in a file: `text[start:end] == quote` in the file with that digest.

    The answering words are `text[answer_start:answer_end]`, inside the quotation. `line` counts from 1.
    """

    marker: int
    file: str
    sha256: str
    encoding: str
    start: int
    end: int
    line: int
    quote: str
    answer_start: int
    answer_end: int

    def __post_init__(self) -> None:
        if len(self.quote) != self.end - self.start:
            raise ValueError(f"a quotation of {len(self.quote)} characters cannot span {self.start}:{self.end}")
        if not self.start <= self.answer_start < self.answer_end <= self.end:
            raise ValueError(f"answer {self.answer_start}:{self.answer_end} outside {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A statement that verification turned down, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of a conversation, as it was understood if otherwise, and what it was answered with."""

    question: str
    answer: str = ""
    citations: tuple[Citation, ...] = ()
    understood: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished record. Every statement in `text` carries a marker `[n]` of a citation.

    `understood` is the completed question where it differs from the one asked; `hits` are the retrieved passages,
    best first; `notices` are remarks for the user (a passage dropped, an overview made), never statements about the
    articles.
    """

    id: str
    question: str
    understood: str | None
    text: str
    abstained: bool
    reason: Reason | None
    confidence: float | None
    citations: tuple[Citation, ...]
    rejected: tuple[Rejected, ...]
    hits: tuple[Hit, ...]
    model: str
    index: str
    seconds: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def turn(self) -> Turn:
        """This answer as a turn of a conversation. An overview is repeated as it was asked, not as it is called."""
        return Turn(self.question, self.text, self.citations, self.understood if self.hits else None)
