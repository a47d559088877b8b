"""An answer or passages -> text for a terminal.

Whatever comes from articles, file names or models is made harmless here: control characters and bidirectional marks
are shown as a replacement character and never reach the terminal.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.plain import plain
from index.types import Hit
from qa.types import Answer, Citation, Reason

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that a terminal may act on: control characters, and marks that change the direction of text."""
_NEAREST = 3
_SHOWN_CHARACTERS = 160
_REASONS: dict[Reason, str] = {
    "no_evidence": "Ningún pasaje de los artículos trata de esto.",
    "low_confidence": "Los artículos hablan de algo cercano, pero nada responde con seguridad.",
    "unsupported": "Lo redactado no se sostiene en los artículos.",
    "outside_dates": "La pregunta se sale de las fechas de los artículos.",
}


def harmless(text: str) -> str:
    r"""The text with whatever a terminal might act on replaced, tabs and newlines kept.

    >>> harmless("a\x1b[31mb")
    'a�[31mb'
    """
    return ACTIVE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def print_answer(console: "Console", answer: Answer, files: Mapping[str, str], root: Path) -> None:
    """The statements, then where each stands; of a refusal, why and the nearest passages.

    `files` gives the file name of each document id.
    """
    if answer.understood:
        print_understood(console, answer.understood)
    print_statements(console, quoting(answer))
    print_evidence(console, answer, files, root)


def quoting(answer: Answer) -> str:
    """The text of an answer with «» around each statement that is a quotation as a whole."""
    text = answer.text
    for citation in _whole(answer):
        quote, marker = plain(citation.quote)[0], f" [{citation.marker}]"
        text = text.replace(quote + marker, f"«{quote}»{marker}")
    return text


def _whole(answer: Answer) -> list[Citation]:
    """The citations whose quotation is itself a statement of the answer."""
    return [citation for citation in answer.citations if _as_statement(citation) in answer.text]


def _as_statement(citation: Citation) -> str:
    return f"{plain(citation.quote)[0]} [{citation.marker}]"


def print_understood(console: "Console", question: str) -> None:
    """What a question was taken for, dimmed."""
    from rich.text import Text

    console.print(Text(harmless(question), style="dim"))


def print_statements(console: "Console", text: str) -> None:
    """The statements of an answer, each on its own line where they are quotations side by side."""
    from rich.text import Text

    console.print(Text(harmless(text.replace("] · ", "]\n")), style="bold"))


def print_evidence(console: "Console", answer: Answer, files: Mapping[str, str], root: Path) -> None:
    """Each citation as `[1] file:line «quotation»`; of a refusal why, and the nearest passages.

    A quotation that stands in the answer as a whole is not shown twice.
    """
    from rich.text import Text

    whole = _whole(answer)
    for citation in answer.citations:
        console.print(_citation(citation, root, with_quote=citation not in whole))
    if answer.abstained and answer.reason:
        console.print(Text(_REASONS[answer.reason]))
        if answer.hits:
            console.print(Text("Lo más cercano:", style="dim"))
            for hit in answer.hits[:_NEAREST]:
                console.print(_passage_line(hit, files))


def _citation(citation: Citation, root: Path, with_quote: bool) -> "Text":
    from rich.style import Style
    from rich.text import Text

    line = Text()
    line.append(f"[{citation.marker}] ", style="cyan")
    place = Style(color="cyan", link=(root / citation.file).resolve().as_uri())
    line.append(harmless(f"{citation.file}:{citation.line}"), style=place)
    if not with_quote:
        return line
    start, end = citation.answer_start - citation.start, citation.answer_end - citation.start
    line.append(" «" + harmless(citation.quote[:start]))
    whole = end - start == len(citation.quote)
    # Where the whole quotation is the answer, emphasis would emphasise nothing.
    line.append(harmless(citation.quote[start:end]), style="" if whole else "bold underline")
    line.append(harmless(citation.quote[end:]) + "»")
    return line


def _passage_line(hit: Hit, files: Mapping[str, str]) -> "Text":
    from rich.text import Text

    text = harmless(" ".join(hit.passage.text.split()))
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " …"
    line = Text("  ")
    line.append(harmless(files.get(hit.passage.document_id, "?")), style="cyan")
    line.append(f" «{shown}»", style="dim")
    return line


def print_hits(console: "Console", hits: Sequence[Hit], files: Mapping[str, str]) -> None:
    """Passages with rank, score, origin and place, best first."""
    from rich.text import Text

    for hit in hits:
        head = Text(f"{hit.rank}. ", style="bold")
        head.append(harmless(files.get(hit.passage.document_id, "?")), style="cyan")
        mark = "  boilerplate" if hit.passage.boilerplate else ""
        head.append(f":{hit.passage.start}-{hit.passage.end}  score {hit.score:.3f}  {hit.origin}{mark}", style="dim")
        console.print(head)
        console.print(Text(harmless(hit.passage.text)))
