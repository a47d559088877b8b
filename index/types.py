"""The vocabulary of the index half: what is read, cut, found.

Text offsets are Unicode code points in the plain text of a document (`index.plain`). Where that is not what its file
holds, `Document` says where in the decoded file it stands: there a byte order mark is not part of the text, and
newlines are as they are.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Literal

Origin = Literal["lexical", "dense", "lexical+dense"]


_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a plain text lies in what is `written`: from offset `plain[i]` on, up to the next, as from `places[i]` on."""

    written: str
    plain: tuple[int, ...]
    places: tuple[int, ...]

    def place(self, offset: int) -> int:
        """Where a character of the plain text begins in what is written."""
        last = bisect_right(self.plain, offset) - 1
        return offset if last < 0 else self.places[last] + offset - self.plain[last]

    def offset(self, place: int) -> int:
        """The character of the plain text that stands there; the one after it within what stands for none."""
        last = bisect_right(self.places, place) - 1
        following = self.plain[last + 1] if last + 1 < len(self.plain) else place
        return min(place if last < 0 else self.plain[last] + place - self.places[last], following)


@dataclass(frozen=True, slots=True)
class Document:
    """One decoded article.

    `file` is relative to the corpus root with `/` between folders, `sha256` the digest of the file's bytes in
    full, `encoding` the codec that decodes those bytes to `written`. `text` is plain; it has a `layout` where that is
    not what is written.
    """

    id: str
    file: str
    sha256: str
    encoding: str
    text: str
    layout: Layout | None = None

    @property
    def written(self) -> str:
        """The text as it stands in the file."""
        return self.text if self.layout is None else self.layout.written

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where in `written` the text from `start` to `end` stands."""
        return (start, end) if self.layout is None else (self.layout.place(start), self.layout.place(end))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The text that stands in `written` from `start` to `end`; undoes `place`."""
        return (start, end) if self.layout is None else (self.layout.offset(start), self.layout.offset(end))

    def line(self, place: int) -> int:
        """The number of the line in the file that holds an offset in `written`, from 1."""
        return sum(1 for _ in _LINE_END.finditer(self.written, 0, place)) + 1

    def as_written(self, passage: "Passage") -> "Passage":
        """A passage of this document with offsets and text of its file."""
        if self.layout is None:
            return passage
        start, end = self.place(passage.start, passage.end)
        return replace(passage, start=start, end=end, text=self.written[start:end])


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
    """A file of the corpus folder that is not served, and why, in a few words.

    Where there are many, one stands for several `files`: then `file` is the folder that holds them.
    """

    file: str
    reason: str
    files: int = 1
