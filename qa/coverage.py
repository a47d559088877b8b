"""How much of a question one passage holds: a question and the passages enter, a share leaves. Pure."""

from collections.abc import Sequence

import numpy as np

from index.lexical import LexicalIndex
from index.spanish import analyse
from index.types import Passage
from qa.ranking import share_held, wanted_of

_PASSAGES_TRIED = 10


def coverage(question: str, passages: Sequence[Passage], lexical: LexicalIndex) -> float:
    """The share of the question's terms, by rarity, that the passage which holds most of them holds; 1 without terms.

    Only the passages that BM25 puts first are tried.
    """
    wanted = wanted_of(question, lexical)
    best = np.argsort(-lexical.scores(question), kind="stable")[:_PASSAGES_TRIED]
    return max((share_held(wanted, frozenset(analyse(passages[place].text))) for place in best), default=0.0)


def speaks_of(text: str, topic: str, lexical: LexicalIndex) -> tuple[int, float]:
    """How many of the topic's names a text holds, and the share of all the topic's terms, by rarity in the index."""
    wanted, held = wanted_of(topic, lexical), frozenset(analyse(text))
    return sum(name in held for name in wanted.names), share_held(wanted, held)
