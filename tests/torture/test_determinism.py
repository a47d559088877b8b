"""The same question gives the same record whatever was asked before: in any order, warm or in a process of its own."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.question_set import read_question_set
from tests.commands import ROOT, qa
from tests.torture.trials import trials

Record = dict[str, Any]


def asked(count: int) -> list[Record]:
    """So many of the project's own questions, spread over the set, follow-ups among them."""
    questions = read_question_set(None)
    step = len(questions) // count
    chosen = questions[: step * count : step]
    return [{"id": each.id, "question": each.question, "history": list(each.history)} for each in chosen]


def batch(lines: Sequence[Record], folder: Path, name: str) -> dict[str, Record]:
    """The records of a batch in a process of its own, by their questions, without what tells the time."""
    questions, answers = folder / f"{name}.questions.jsonl", folder / f"{name}.jsonl"
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = qa("batch", str(questions), "-o", str(answers), "--index-dir", str(folder / "index"), folder=ROOT)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in answers.read_text().splitlines()]
    assert all(record.pop("seconds") for record in records)
    return {record["id"]: record for record in records}


def differing(one: dict[str, Record], other: dict[str, Record]) -> list[str]:
    assert one.keys() == other.keys()
    return [identity for identity in one if one[identity] != other[identity]]


def test_records_do_not_depend_on_what_was_asked_before(tmp_path: Path, figure: Callable[[str], None]) -> None:
    lines, chance = asked(trials(6, 40)), random.Random(0)
    first = batch(lines, tmp_path, "first")
    assert len(first) == len(lines)
    orders = trials(1, 5)
    for number in range(orders):
        chance.shuffle(lines)
        assert differing(first, batch(lines, tmp_path, f"order{number}")) == []
    alone = lines[: trials(1, 12)]
    for number, line in enumerate(alone):
        by_itself = batch([line], tmp_path, f"alone{number}")
        assert differing({line["id"]: first[line["id"]]}, by_itself) == []
    figure(
        f"{len(lines)} questions in {orders + 1} orders, {len(alone)} each in a process of its own: 0 records differ"
    )


def test_a_difference_in_the_last_digit_would_be_seen() -> None:
    assert differing({"q": {"confidence": 0.1234}}, {"q": {"confidence": 0.1235}}) == ["q"]
