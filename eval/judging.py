"""A record beside its question's gold answer -> what it is worth. Pure; nothing is dropped.

A question that failed, or was refused though the articles answer it, scores zero wherever an answer was due.
"""

from collections.abc import Mapping
from typing import Any

from eval import metrics
from eval.types import Outcome, Question, Record, Row


def judge(question: Question, record: Record, texts: Mapping[str, str]) -> Row:
    """The row of a question; `texts` are the articles by file name."""
    outcome = outcome_of(question, record)
    scores = {"correct": float(outcome in ("right", "rightly_refused"))}
    if question.answerable:
        scores |= _answer_scores(question, record) | _evidence_scores(question, record)
        scores["over_refused"] = float(not _answers(record))
    else:
        scores["refused"] = float(outcome == "rightly_refused")
    return Row(question, record, outcome, scores | _citation_scores(record, texts))


def outcome_of(question: Question, record: Record) -> Outcome:
    """What became of a question."""
    if "error" in record:
        return "failed"
    if record["abstained"]:
        return "refused" if question.answerable else "rightly_refused"
    if not question.answerable:
        return "invented"
    return "right" if metrics.holds_fact(question.answers, record["answer"]) else "wrong"


def _answer_scores(question: Question, record: Record) -> dict[str, float]:
    """How much of the fact the answer holds."""
    if not _answers(record):
        return dict.fromkeys(("right", "right_or_quoted", "groups_met", "exact", "f1"), 0.0)
    answer, groups = record["answer"], question.answers
    quoted = " ".join([answer, *(citation["quote"] for citation in record["citations"])])
    return {
        "right": float(metrics.holds_fact(groups, answer)),
        "right_or_quoted": float(metrics.holds_fact(groups, quoted)),
        "groups_met": metrics.groups_met(groups, answer),
        "exact": metrics.exact_match(groups, answer),
        "f1": metrics.token_f1(groups, answer),
    }


def _evidence_scores(question: Question, record: Record) -> dict[str, float]:
    """How well the citations, and the passages found, meet the gold evidence; none where there is no gold."""
    evidence = question.evidence
    if not evidence:
        return {}
    citations: list[Mapping[str, Any]] = record["citations"] if _answers(record) else []
    found = [(each["file"], each["start"], each["end"]) for each in record.get("passages", ())]
    sets = metrics.sufficient_sets(question.answers, [each.quote for each in evidence])
    scores = {
        "first_on_evidence": float(bool(citations) and metrics.overlaps(citations[0], evidence)),
        "span_recall": metrics.span_recall(citations, evidence, sets),
        "span_precision": metrics.span_precision(citations, evidence),
        "file_recall": metrics.file_recall(citations, evidence, sets),
    }
    if question.is_searched:
        scores |= {f"found@{k}": metrics.recall_at(found, evidence, sets, k) for k in (1, 5)}
    return scores


def _citation_scores(record: Record, texts: Mapping[str, str]) -> dict[str, float]:
    """Validity of what was stated; nothing was where it was refused, and a failure has nothing valid."""
    if "error" in record:
        return {"valid": 0.0, "uncited": 1.0}
    if not _answers(record):
        return {}
    citations = record["citations"]
    valid = [each for each in citations if _is_valid(each, texts)]
    uncited = metrics.uncited_rate(record["answer"], {each["marker"] for each in valid})
    return {"valid": len(valid) / len(citations) if citations else 0.0} | (
        {} if uncited is None else {"uncited": uncited}
    )


def _is_valid(citation: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    """Whether it quotes something, and that stands where it says: the empty text would stand anywhere."""
    text = texts.get(citation["file"])
    return text is not None and 0 <= citation["start"] < citation["end"] and metrics.stands(citation, text)


def _answers(record: Record) -> bool:
    return "error" not in record and not record["abstained"]
