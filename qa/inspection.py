"""What stands behind an answer -> text for a terminal: its passages, why it was given, the articles."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from index.types import Document, Hit, Passage
from qa.render import harmless
from qa.types import Answer, Citation

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_TITLE_CHARACTERS = 80
_OPEN, _CLOSE = ">>", "<<"
"""Around the quotation where a terminal shows no styles."""


def print_source(console: "Console", citation: Citation, document: Document, passages: Sequence[Passage]) -> None:
    """The whole passage that a citation stands in, with the numbers of its lines and the quotation highlighted.

    `passages` are as written.
    """
    from rich.text import Text

    start, end = _around(citation, document, passages)
    head = Text(f"[{citation.marker}] ", style="cyan")
    head.append(harmless(citation.file), style="cyan")
    first, last = document.line(start), document.line(end)
    head.append(f", line {first}" if first == last else f", lines {first} to {last}", style="dim")
    console.print(head)
    for number, line in enumerate(_highlighted(citation, document.written, start, end, console), first):
        console.print(Text.assemble((f"{number:>4}  ", "dim"), line))


def _around(citation: Citation, document: Document, passages: Sequence[Passage]) -> tuple[int, int]:
    """Bounds of the passages that a quotation touches."""
    touched = [each for each in passages if each.start < citation.end and each.end > citation.start]
    own = [each for each in touched if each.document_id == document.id]
    start = min([citation.start, *(each.start for each in own)])
    return start, max([citation.end, *(each.end for each in own)])


def _highlighted(citation: Citation, text: str, start: int, end: int, console: "Console") -> "Sequence[Text]":
    from rich.text import Text

    marks = ("", "") if console.color_system else (_OPEN, _CLOSE)
    whole = Text(harmless(text[start : citation.start]))
    whole.append(marks[0])
    before, after = citation.answer_start, citation.answer_end
    for begin, stop, style in (
        (citation.start, before, "reverse"),
        (before, after, "reverse bold"),
        (after, citation.end, "reverse"),
    ):
        whole.append(harmless(text[begin:stop]), style=style)
    whole.append(marks[1])
    whole.append(harmless(text[citation.end : end]))
    return list(whole.split("\n", allow_blank=True))


def print_why(console: "Console", answer: Answer, files: Mapping[str, str]) -> None:
    """How an answer came about: what was understood, found, scored, trusted and turned down."""
    from rich.text import Text

    facts = {
        "question": answer.question,
        "understood": answer.understood,
        "confidence": None if answer.confidence is None else f"{answer.confidence:.2f}",
        "refused": answer.reason,
        "model": answer.model,
        "seconds": ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in answer.seconds.items()),
    }
    for name, value in facts.items():
        if value:
            console.print(Text.assemble((f"{name:<11}", "dim"), harmless(value)))
    console.print(Text("retrieved" if answer.hits else "nothing was retrieved", style="dim"))
    for hit in answer.hits:
        console.print(_hit_line(hit, files))
    for rejected in answer.rejected:
        reason = harmless(f" ({rejected.reason})")
        console.print(Text.assemble(("rejected   ", "dim"), harmless(rejected.text), (reason, "dim")))


def _hit_line(hit: Hit, files: Mapping[str, str]) -> "Text":
    from rich.text import Text

    place = f"{files.get(hit.passage.document_id, '?')}:{hit.passage.start}-{hit.passage.end}"
    line = Text(f"  {hit.rank}. {hit.score:6.3f}  {hit.origin:<13}  ")
    line.append(harmless(place), style="cyan")
    line.append("  boilerplate" if hit.passage.boilerplate else "", style="dim")
    return line


def print_articles(console: "Console", documents: Sequence[Document]) -> None:
    """The articles with the numbers that «resume el artículo 3» takes, and how each begins."""
    from rich.text import Text

    for number, document in enumerate(documents, 1):
        # No word has no character, so these are more than enough.
        words = " ".join(document.text.split(maxsplit=_TITLE_CHARACTERS)[:_TITLE_CHARACTERS])
        beginning = words if len(words) <= _TITLE_CHARACTERS else words[:_TITLE_CHARACTERS].rsplit(" ", 1)[0] + " …"
        line = Text(f"{number:>3}. ")
        line.append(harmless(document.file), style="cyan")
        line.append("  " + harmless(beginning), style="dim")
        console.print(line)
