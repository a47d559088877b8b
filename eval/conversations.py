"""Holds the handwritten conversations, turn after turn, and prints how many turns are right.

    python -m eval.conversations [--split dev|test] [--follow-ups] [--wrong]

A turn that can be answered is right if the fact is in its answer, one that cannot if it is refused. Beside it stand
the same turns asked alone in full («standalone»), which is the most that following a conversation can reach, and asked
alone as they are, which is what it must improve on. A change of subject must be answered as if nothing had been said.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Annotated, Any

import typer

from eval.metrics import holds_fact
from qa.answer import Assistant
from qa.settings import resolve
from qa.types import Answer, Turn

Record = Mapping[str, Any]


def load_conversations(split: str, name: str = "conversations") -> list[dict[str, Any]]:
    """The conversations of a split, or all for an empty name.

    Beside `conversations` there are `follow_ups`, written later for variety in the ways of following up; all are `dev`.
    """
    lines = files("eval").joinpath(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    conversations: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [each for each in conversations if not split or each["split"] == split]


def is_right(turn: Record, answer: Answer) -> bool:
    """Whether an answer holds the fact that a turn asks for, or refuses what cannot be answered."""
    if not turn["answerable"]:
        return answer.abstained
    return not answer.abstained and holds_fact(turn["answers"], answer.text)


def held(assistant: Assistant, conversation: Record) -> list[dict[str, Any]]:
    """One row for each turn: what was asked, understood and answered, and whether that is right."""
    rows: list[dict[str, Any]] = []
    history: list[Turn] = []
    for turn in conversation["turns"]:
        answer = assistant.ask(turn["question"], history=history)
        alone = assistant.ask(turn["question"]) if history else answer
        in_full = assistant.ask(turn["standalone"]) if turn["standalone"] else alone
        rows.append(
            {
                "turn": turn,
                "answer": answer,
                "right": is_right(turn, answer),
                "right_alone": is_right(turn, alone),
                "right_in_full": is_right(turn, in_full),
                "unchanged": replace(answer, seconds={}) == replace(alone, seconds={}),
            }
        )
        history.append(answer.turn)
    return rows


def report(rows: Sequence[Record]) -> None:
    """Prints the shares by kind of turn."""
    print(f"{'turns':24} {'n':>4} {'right':>7} {'in full':>8} {'alone':>7} {'unchanged':>10}")
    for kind in ("first", "follow_up", "change", ""):
        _line(kind or "all", [row for row in rows if row["turn"]["kind"] == kind or not kind])
    _line("unanswerable", [row for row in rows if not row["turn"]["answerable"]])


def _line(name: str, rows: Sequence[Record]) -> None:
    shares = (statistics.mean(row[measure] for row in rows or [dict.fromkeys(_MEASURES, 0)]) for measure in _MEASURES)
    print(f"{name:24} {len(rows):4} " + " ".join(f"{share:8.3f}" for share in shares))


_MEASURES = ("right", "right_in_full", "right_alone", "unchanged")


def show_wrong(name: str, rows: Sequence[Record]) -> None:
    """Prints the turns that went wrong, or were changed by an earlier subject, and how they were understood."""
    for row in rows:
        turn, answer = row["turn"], row["answer"]
        if row["right"] and (row["unchanged"] or turn["kind"] != "change"):
            continue
        gold = " | ".join("/".join(group) for group in turn["answers"]) or turn["why_unanswerable"]
        in_full = "right" if row["right_in_full"] else "wrong"
        print(f"{name} ({turn['kind']}, {turn['type']}) {turn['question']}  in full {in_full}: {turn['standalone']}")
        print(f"   understood {answer.understood}\n   gold {gold}\n   said {answer.text[:220]} ({answer.confidence})")


def main(
    split: Annotated[str, typer.Option(help="dev, test, or both when empty.")] = "",
    follow_ups: Annotated[bool, typer.Option("--follow-ups", help="Hold the development set of follow-ups.")] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="Show the turns that went wrong.")] = False,
) -> None:
    """Hold the conversations and print the figures."""
    assistant = Assistant(resolve({}))
    rows = []
    for conversation in load_conversations(split, "follow_ups" if follow_ups else "conversations"):
        found = held(assistant, conversation)
        rows += found
        if wrong:
            show_wrong(conversation["id"], found)
    report(rows)


if __name__ == "__main__":
    typer.run(main)
