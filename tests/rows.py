"""Questions with gold answers, records as `qa ask --json` prints them, and rows judged from both, written by hand."""

from typing import Any

from eval.judging import judge
from eval.types import UNANSWERABLE, Evidence, Question, Row

# Offsets count characters, not bytes: there are accents before every quotation but the first.
TEXTS = {
    "a.txt": "Marta Ruiz abrió el puente de Lima. Costó ocho euros. Llovía.\n",
    "b.txt": "El martes no acudió nadie más. Ganó Quito, según Julián Ortega.\n",
}
OPENED = "Marta Ruiz abrió el puente de Lima."
COST = "Costó ocho euros."
WON = "Ganó Quito, según Julián Ortega."


def place(quote: str) -> dict[str, Any]:
    """Where a quotation stands."""
    file = next(file for file, text in TEXTS.items() if quote in text)
    start = TEXTS[file].index(quote)
    return {"file": file, "start": start, "end": start + len(quote)}


def evidence(quote: str) -> Evidence:
    return Evidence(**place(quote), quote=quote)


def citation(quote: str, marker: int = 1, /, **changes: Any) -> dict[str, Any]:
    """A quotation that stands where it says, except for the changes."""
    where = place(quote)
    fields: dict[str, Any] = {"marker": marker, "sha256": "0" * 64, "encoding": "utf-8", "line": 1, "quote": quote}
    return {**fields, **where, "answer_start": where["start"], "answer_end": where["end"], **changes}


def record(answer: str = f"{COST} [1]", /, *citations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The record of an answer with its citations, except for the changes."""
    return {
        "schema": 1,
        "id": "q1",
        "question": "¿Cuánto costó?",
        "understood": None,
        "answer": answer,
        "abstained": False,
        "reason": None,
        "confidence": 0.9,
        "citations": list(citations),
        "rejected": [],
        "passages": [],
        "notices": [],
        "model": "m.gguf 0123 copying",
        "index": "abcd",
        "seconds": {"search": 0.1, "read": 0.3, "total": 0.4},
        "tokens": {"prompt": 100, "decoded": 0},
        **changes,
    }


def refusal(answer: str = "No consta.", /, **changes: Any) -> dict[str, Any]:
    return record(answer, **{"abstained": True, "reason": "low_confidence", "confidence": 0.2, **changes})


def failure(identity: str = "q1") -> dict[str, Any]:
    return {"id": identity, "question": "¿Cuánto costó?", "error": "too long; expected less; shorten it"}


def question(identity: str = "q1", **changes: Any) -> Question:
    """A question that the first article answers, except for the changes."""
    fields: dict[str, Any] = {
        "id": identity,
        "split": "test",
        "type": "number",
        "lang": "es",
        "question": "¿Cuánto costó?",
        "answerable": True,
        "answers": (("8 euros", "ocho euros"),),
        "evidence": (evidence(COST),),
    }
    return Question(**{**fields, **changes})


def unanswerable(identity: str = "q1", kind: str = "near_miss", **changes: Any) -> Question:
    """A question that no article answers, except for the changes."""
    nothing = {"answerable": False, "answers": (), "evidence": (), "type": kind, "why_unanswerable": kind}
    return question(identity, **{**nothing, **changes})


def row(identity: str, outcome: str, confidence: float | None = None, **changes: Any) -> Row:
    """A question that came to this, judged like any other; unanswerable if the outcome says so, or its type."""
    kind = changes.pop("type", "near_miss" if outcome in ("invented", "rightly_refused") else "number")
    asked = (
        unanswerable(identity, kind, **changes) if kind in UNANSWERABLE else question(identity, type=kind, **changes)
    )
    said = {
        "right": record(f"{COST} [1]", citation(COST)),
        "wrong": record(f"{OPENED} [1]", citation(OPENED)),
        "invented": record(f"{WON} [1]", citation(WON)),
        "refused": refusal(),
        "rightly_refused": refusal(),
        "failed": failure(identity),
    }[outcome]
    if confidence is not None:
        said["confidence"] = confidence
    judged = judge(asked, said, TEXTS)
    assert judged.outcome == outcome
    return judged
