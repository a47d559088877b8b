"""Answers the handwritten questions and prints how many are right.

    python -m eval.run [--split dev|test] [--wrong] [--out FILE]

A question answered with "no consta" counts as wrong where the articles hold the answer. Figures are shares of the
questions named on their line. Questions written as people type them (those with a `form`) are compared with the plain
wordings of the same facts (their `plain`) in a table of their own; a double question is right if both its facts are.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.metrics import holds_fact, overlaps, stands
from index.corpus import read
from qa.answer import Assistant
from qa.record import to_json
from qa.settings import resolve

Record = Mapping[str, Any]


def load_questions(split: str) -> list[dict[str, Any]]:
    """The questions of a split, or all for an empty name."""
    lines = files("eval").joinpath("questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [question for question in questions if not split or question["split"] == split]


def judge(question: Record, record: Record, texts: Mapping[str, str]) -> dict[str, Any]:
    """What an answer is worth, by the measures of `eval.metrics`; `texts` are the articles by file name."""
    citations = record["citations"]
    quotes = " ".join(citation["quote"] for citation in citations)
    answered = not record["abstained"] and question["answerable"]
    return {
        "refused": record["abstained"],
        "in_answer": answered and holds_fact(question["answers"], record["answer"]),
        "in_answer_or_quotation": answered and holds_fact(question["answers"], f"{record['answer']} {quotes}"),
        "first_on_evidence": answered and bool(citations) and overlaps(citations[0], question["evidence"]),
        "valid": all(stands(citation, texts[citation["file"]]) for citation in citations),
    }


def main(
    split: Annotated[str, typer.Option(help="dev, test, or both when empty.")] = "",
    wrong: Annotated[bool, typer.Option("--wrong", help="Show what was answered wrongly.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write one record per question here.")] = None,
) -> None:
    """Answer the question set and print the figures."""
    assistant = Assistant(resolve({}))
    documents = {document.id: document.file for document in assistant.index().documents}
    texts = {file: read(assistant.settings.corpus, file).text for file in documents.values()}
    assistant.ask("¿Quién es el portavoz del Kremlin?")  # models are loaded before anything is timed
    rows = []
    for question in load_questions(split):
        record = json.loads(to_json(assistant.ask(question["question"], question["id"]), documents))
        rows.append({**question, "record": record, "verdict": judge(question, record, texts)})
    if out is not None:
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    if wrong:
        show_wrong(rows)
    report(rows)


def report(rows: Sequence[Record]) -> None:
    """Prints the figures, those of the answerable by type as well, then those of the forms."""
    report_plain([row for row in rows if "form" not in row])
    report_forms(rows)


def report_forms(rows: Sequence[Record]) -> None:
    """Prints how many of each form are right, and how many of the plain questions that they reword."""
    by_id = {row["id"]: row for row in rows}
    formed = [row for row in rows if "form" in row]
    print(f"\n{'form':24} {'n':>4} {'right':>10} {'plain':>10} {'difference':>11}")
    for form in [*sorted({row["form"] for row in formed}), ""]:
        chosen = [row for row in formed if row["form"] == form or not form]
        right = statistics.mean(row["verdict"]["in_answer"] for row in chosen)
        plain = statistics.mean(all(by_id[one]["verdict"]["in_answer"] for one in row["plain"]) for row in chosen)
        print(f"{form or 'all':24} {len(chosen):4} {right:10.3f} {plain:10.3f} {right - plain:+11.3f}")


def report_plain(rows: Sequence[Record]) -> None:
    """Prints the figures of the questions in plain wording."""
    answerable = [row for row in rows if row["answerable"]]
    unanswerable = [row for row in rows if not row["answerable"]]
    print(f"{'type':24} {'n':>4} {'in answer':>10} {'or quoted':>10} {'1st cited':>10} {'refused':>8}")
    for kind in sorted({row["type"] for row in answerable}):
        _line(kind, [row for row in answerable if row["type"] == kind])
    _line("all answerable", answerable)
    for kind in sorted({row["type"] for row in unanswerable}):
        _line(kind, [row for row in unanswerable if row["type"] == kind])
    _line("all unanswerable", unanswerable)
    seconds = sorted(row["record"]["seconds"]["total"] for row in rows)
    parts = [row["record"]["answer"].count(" · ") + 1 for row in rows if not row["record"]["abstained"]]
    print(f"valid citations {_share(rows, 'valid'):.3f}; sentences an answer {statistics.mean(parts or [0]):.2f}")
    print(f"seconds p50 {seconds[len(seconds) // 2]:.2f}, p95 {seconds[int(len(seconds) * 0.95)]:.2f}")


def _line(name: str, rows: Sequence[Record]) -> None:
    shares = [_share(rows, measure) for measure in ("in_answer", "in_answer_or_quotation", "first_on_evidence")]
    print(f"{name:24} {len(rows):4} {''.join(f'{share:11.3f}' for share in shares)}{_share(rows, 'refused'):9.3f}")


def _share(rows: Sequence[Record], measure: str) -> float:
    return statistics.mean(float(row["verdict"][measure]) for row in rows) if rows else 0.0


def show_wrong(rows: Sequence[Record]) -> None:
    """Prints each question that was answered wrongly, with what was said and what should have been."""
    for row in rows:
        right = row["verdict"]["in_answer"] if row["answerable"] else row["verdict"]["refused"]
        if not right:
            gold = " | ".join("/".join(group) for group in row["answers"]) or row["why_unanswerable"]
            print(f"{row['id']} ({row['type']}) {row['question']}\n   gold {gold}")
            print(f"   said {row['record']['answer'][:200]} ({row['record']['confidence']})")


if __name__ == "__main__":
    typer.run(main)
