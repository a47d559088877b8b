"""The vocabulary of the index half: what is read, cut, found.

Text offsets everywhere are Unicode code points in the decoded file; a byte order mark is not part of the
text and newlines stay as they stand in the file.
"""

from dataclasses import dataclass
from typing import Literal

Origin = Literal["lexical", "dense", "lexical+dense"]


@dataclass(frozen=True, slots=True)
class Document:
    """One decoded article.

    `file` is relative to the corpus root with `/` between folders, `sha256` the digest of the file's bytes in
    full, `encoding` the codec that decodes those bytes to `text`.
    """

    id: str
    file: str
    sha256: str
    encoding: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences of one document: `document.text[start:end] == text`, always.

    `boilerplate` marks text around the article that is not its own (teasers of other stories).
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    boilerplate: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question; `rank` counts from 1, a higher `score` is better.

    `origin` says which ranking held the passage among its best.
    """

    passage: Passage
    score: float
    rank: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of the corpus folder that is not served, and why, in a few words."""

    file: str
    reason: str
