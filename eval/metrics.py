"""Measures of one answered question. Pure: gold and answer in, a verdict out; nothing is dropped.

A group of alternatives is met when one of them occurs in the text as whole words, case, accents and punctuation aside.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from index.spanish import fold


def normalised(text: str) -> str:
    """Folded words with one space around each.

    >>> normalised("«Seúl», dijo.")
    ' seul dijo '
    """
    return f" {' '.join(re.findall(r'[a-z0-9]+', fold(text)))} "


def holds_fact(groups: Sequence[Sequence[str]], text: str) -> bool:
    """Whether every group is met by the text.

    >>> holds_fact([["cinco millones", "5 millones"], ["proyectiles"]], "Casi cinco millones de proyectiles.")
    True
    """
    held = normalised(text)
    return all(any(normalised(alternative) in held for alternative in group) for group in groups)


def overlaps(citation: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a citation shares at least one character with gold evidence.

    >>> overlaps({"file": "a", "start": 5, "end": 9}, [{"file": "a", "start": 8, "end": 20}])
    True
    """
    return any(
        citation["file"] == gold["file"] and citation["start"] < gold["end"] and gold["start"] < citation["end"]
        for gold in evidence
    )


def stands(citation: Mapping[str, Any], text: str) -> bool:
    """Whether the quotation is the text at its offsets."""
    return bool(text[citation["start"] : citation["end"]] == citation["quote"])
