"""Questions through a system, one after the other, each judged as it comes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from eval.judging import judge
from eval.measures import RETRIEVAL_MEASURES
from eval.rankings import ORIGINS, ranking_scores
from eval.systems import Pipeline, System
from eval.types import Question, Row
from qa.answer import Assistant


def texts_of(assistant: Assistant) -> dict[str, str]:
    """The articles of an assistant's corpus by file name, as they are written."""
    return {document.file: document.written for document in assistant.index().documents}


def run(
    system: System, questions: Sequence[Question], texts: Mapping[str, str], advance: Callable[[], None] = lambda: None
) -> list[Row]:
    """One row a question, in order; `advance` is called after each. The assistant's rankings are measured as well."""
    rows = []
    for question in questions:
        row = judge(question, system.answer(question), texts)
        if isinstance(system, Pipeline) and question.is_searched:
            row = replace(row, scores={**row.scores, **_retrieval(system.assistant, row)})
        rows.append(row)
        advance()
    return rows


def _retrieval(assistant: Assistant, row: Row) -> dict[str, float]:
    if row.outcome == "failed":
        return {f"{origin}.{measure}": 0.0 for origin in ORIGINS for measure in RETRIEVAL_MEASURES}
    # What the search was asked: a follow-up written out, typing mended.
    return ranking_scores(assistant, row.question, row.record["understood"] or row.question.question)
