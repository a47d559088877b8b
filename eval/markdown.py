"""Markdown files with blocks that are made by a program: tables, and what stands between two comments. Pure.

<!-- figures -->
| figure | value |
<!-- end of figures -->
"""

import re
from collections.abc import Callable, Iterable, Sequence

_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def filled(text: str, made: Callable[[str], str]) -> str:
    """The text with every block made anew: `made` gives what stands in the block of a name, without its last newline.

    >>> filled("<!-- n -->\\nold\\n<!-- end of n -->", lambda name: "new")
    '<!-- n -->\\nnew\\n<!-- end of n -->'
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{made(found[2])}\n{found[3]}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, a line for each row.

    >>> table(["a", "b"], [["1", "2"]])
    '| a | b |\\n| --- | --- |\\n| 1 | 2 |'
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
