"""Words that can stand for one another in a question and its answer, and English words for them.

The list in `thesaurus.txt` was written by hand for Spanish news in general, without looking at any corpus or question.
One group a line: Spanish words, `|`, English words. An index term goes in, related index terms come out.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from index.spanish import stem


def related(term: str, english: bool = False) -> frozenset[str]:
    """Spanish index terms that share a group with a term; of an `english` question, those that it may be in Spanish.

    >>> stem("obsequio") in related(stem("regalo")), stem("regalo") in related(stem("gift"), english=True)
    (True, True)
    """
    return _table(english).get(term, frozenset()) - {term}


@cache
def _table(english: bool) -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = defaultdict(set)
    for spanish, translations in parse(files("index").joinpath("thesaurus.txt").read_text(encoding="utf-8")):
        group = {stem(word) for word in spanish}
        for key in translations if english else spanish:
            table[stem(key)] |= group
    return {term: frozenset(group) for term, group in table.items()}


def parse(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The groups of a list as Spanish and English words.

    >>> parse("lazo, nexo | tie, link")
    [(('lazo', 'nexo'), ('tie', 'link'))]
    """
    groups = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            spanish, _, english = line.partition("|")
            groups.append((_words(spanish), _words(english)))
    return groups


def _words(side: str) -> tuple[str, ...]:
    return tuple(word for word in (each.strip() for each in side.split(",")) if word)
