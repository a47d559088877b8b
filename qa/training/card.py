"""The figures of the data card, `qa/training/data/README.md`, made from the corpus: they cannot say anything else.

Each block of figures stands between two comments that name it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from eval.intervals import mean_with_interval
from qa.training.figures import distributions, table
from qa.training.passages import DATA, KINDS, Passage
from qa.training.second_reader import Reading
from qa.training.telling import auroc_of_wording

CARD = DATA / "README.md"
_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)
_SHOWN_VALUES = 20


def filled(text: str, passages: Sequence[Passage], read: Sequence[Reading]) -> str:
    """The text of a card with its figures and the second reader's agreement made anew."""
    telling = ("near misses told by the wording of the question alone, AUROC", f"{auroc_of_wording(passages):.2f}")
    blocks = {"figures": figure_lines(passages, [telling]), "agreement": markdown(agreement_rows(read))}
    return _BLOCK.sub(lambda found: "\n".join([found[1], *blocks[found[2]], "", found[3]]), text)


def figure_lines(passages: Sequence[Passage], more: Sequence[tuple[str, str]] = ()) -> list[str]:
    """The figures of passages as lines of Markdown, with further ones at the end of the table."""
    lines = markdown([*table(passages), *more])
    for name, counts in distributions(passages).items():
        lines += ["", f"{name}: {', '.join(_counted(counts))}"]
    return lines


def _counted(counts: Counter[str]) -> Iterator[str]:
    shown = counts.most_common(_SHOWN_VALUES)
    yield from (f"{value} {count}" for value, count in shown)
    if len(counts) > len(shown):
        yield f"and {len(counts) - len(shown)} more"


def agreement_rows(read: Sequence[Reading]) -> list[tuple[str, str]]:
    """A second reader's agreement as names and figures, the latter with 95 % intervals."""
    answerable = [it for it in read if not it.question.is_near_miss]
    near = [it for it in read if it.question.is_near_miss]
    kinds = [(kind, [it for it in answerable if it.question.kind == kind]) for kind in KINDS]
    return [
        (f"F1, all {len(read)} questions", _mean([it.agreement for it in read])),
        (f"F1, {len(answerable)} with an answer", _mean([it.agreement for it in answerable])),
        (f"{len(near)} near misses, not answered by the reader either", _mean([it.agreement for it in near])),
        ("answered, or not, alike", _mean([float(it.agrees_on_answerability) for it in read])),
        *((f"F1, {len(its)} of kind {kind}", _mean([it.agreement for it in its])) for kind, its in kinds),
    ]


def _mean(values: Sequence[float]) -> str:
    figure = mean_with_interval(values)
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]" if figure.n else "–"


def markdown(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Names and figures as the lines of a table."""
    return ["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
