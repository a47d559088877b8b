"""A conversation -> Markdown, with every quotation and the digest of the file that it stands in. Pure."""

import re
from collections.abc import Sequence

from qa.render import harmless
from qa.types import Answer, Citation

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_OPENING = re.compile(r"^(\d*)([-+=.)])")
"""What begins a list or underlines a heading at the beginning of a line."""


def to_markdown(answers: Sequence[Answer]) -> str:
    """The questions as headings, the answers below them, the quotations as block quotes with their places."""
    sections = [_section(answer) for answer in answers]
    return "\n".join(["# Consta", "", *sections])


def _section(answer: Answer) -> str:
    lines = [f"## {_plain(answer.question)}", ""]
    if answer.understood:
        lines += [f"*{_plain(answer.understood)}*", ""]
    lines += [_plain(answer.text), ""]
    for citation in answer.citations:
        lines += [_quotation(citation), ""]
    return "\n".join(lines)


def _quotation(citation: Citation) -> str:
    quote = _plain(citation.quote).replace("\n", "\n> ")
    place = f"{_plain(citation.file)}, line {citation.line}, characters {citation.start} to {citation.end}"
    return f"> «{quote}»\n>\n> \\[{citation.marker}\\] {place}, SHA-256 `{citation.sha256}`"


def _plain(text: str) -> str:
    r"""Text that Markdown shows as it is.

    >>> _plain("*a* [1]")
    '\\*a\\* \\[1\\]'
    """
    lines = _MARKUP.sub(r"\\\1", harmless(text)).split("\n")
    return "\n".join(_OPENING.sub(r"\1\\\2", line.strip()) for line in lines)
