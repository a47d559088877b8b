"""The hand-written evaluation conversations are well formed and their evidence stands in the articles."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from eval.types import TYPES
from tests.test_questions import EVIDENCE_KEYS, REASONS, article, normalise, occurs

EVAL = Path(__file__).parent.parent / "eval"
SETS = ("conversations.jsonl", "follow_ups.jsonl")

CONVERSATION_KEYS = {"id", "split", "turns"}
TURN_KEYS = {"question", "kind", "standalone", "type", "answerable", "answers", "evidence"}
KINDS = {"first", "follow_up", "change"}
# The rest are forms of a question, not what it asks for.
TURN_TYPES = set(TYPES) - {"paraphrased", "typed", "english", "boilerplate", "overview", "follow_up", "double"}


def load(*names: str) -> list[dict[str, Any]]:
    """Read every line of the files, of both without a name; an empty or broken line raises."""
    texts = [(EVAL / name).read_text(encoding="utf-8").removesuffix("\n") for name in names or SETS]
    return [json.loads(line) for text in texts for line in text.split("\n")]


def turns() -> list[tuple[str, dict[str, Any]]]:
    """Return every turn of every conversation, each with a name that says where it stands."""
    return [(f"{item['id']} {number}", turn) for item in load() for number, turn in enumerate(item["turns"], start=1)]


def answerables() -> list[tuple[str, dict[str, Any]]]:
    return [(name, turn) for name, turn in turns() if turn["answerable"]]


def unanswerables() -> list[tuple[str, dict[str, Any]]]:
    return [(name, turn) for name, turn in turns() if not turn["answerable"]]


def has_change(item: dict[str, Any]) -> bool:
    return any(turn["kind"] == "change" for turn in item["turns"])


def test_every_line_has_exactly_the_allowed_keys() -> None:
    for item in load():
        assert isinstance(item, dict)
        assert set(item) == CONVERSATION_KEYS, item["id"]
        assert len(item["turns"]) in {2, 3}, item["id"]
    for name, turn in turns():
        assert isinstance(turn["answerable"], bool), name
        expected = TURN_KEYS if turn["answerable"] else TURN_KEYS | {"why_unanswerable"}
        assert set(turn) == expected, name
        for entry in turn["evidence"]:
            assert set(entry) == EVIDENCE_KEYS, name


def test_field_values_are_allowed() -> None:
    for item in load():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item["id"]), item["id"]
        assert item["split"] in {"dev", "test"}, item["id"]
    for name, turn in turns():
        assert turn["question"] == turn["question"].strip(), name
        assert normalise(turn["question"]), name
        assert turn["type"] in (TURN_TYPES if turn["answerable"] else REASONS), name


def test_ids_are_unique() -> None:
    repeated = [key for key, count in Counter(item["id"] for item in load()).items() if count > 1]
    assert repeated == []


def test_only_the_opening_turn_is_first() -> None:
    for item in load():
        kinds = [turn["kind"] for turn in item["turns"]]
        assert set(kinds) <= KINDS, item["id"]
        assert kinds[0] == "first", item["id"]
        assert "first" not in kinds[1:], item["id"]


def test_exactly_the_follow_ups_are_written_out() -> None:
    for name, turn in turns():
        if turn["kind"] == "follow_up":
            assert isinstance(turn["standalone"], str), name
            assert turn["standalone"] == turn["standalone"].strip(), name
            assert normalise(turn["standalone"]) not in {"", normalise(turn["question"])}, name
        else:
            assert turn["standalone"] is None, name


def test_every_quote_stands_at_its_offsets() -> None:
    for name, turn in turns():
        spans = [(entry["file"], entry["start"], entry["end"]) for entry in turn["evidence"]]
        assert len(spans) == len(set(spans)), name
        for entry in turn["evidence"]:
            text = article(entry["file"])
            assert 0 <= entry["start"] < entry["end"] <= len(text), name
            assert text[entry["start"] : entry["end"]] == entry["quote"], name


def test_every_answer_group_occurs_in_the_evidence() -> None:
    for name, turn in answerables():
        assert turn["answers"], name
        assert turn["evidence"], name
        together = " ".join(entry["quote"] for entry in turn["evidence"])
        for group in turn["answers"]:
            assert group and all(isinstance(word, str) and normalise(word) for word in group), name
            assert any(occurs(word, together) for word in group), (name, group)


def test_one_quote_is_enough_unless_the_question_needs_several() -> None:
    for name, turn in answerables():
        for entry in turn["evidence"]:
            met = [any(occurs(word, entry["quote"]) for word in group) for group in turn["answers"]]
            assert any(met) if turn["type"] == "several" else all(met), (name, entry["start"])


def test_unanswerables_have_a_reason_and_no_evidence() -> None:
    for name, turn in unanswerables():
        assert turn["why_unanswerable"] in REASONS, name
        assert turn["type"] == turn["why_unanswerable"], name
        assert turn["answers"] == [], name
        assert turn["evidence"] == [], name


def test_no_complete_question_is_repeated() -> None:
    seen: dict[str, str] = {}
    for name, turn in turns():
        if turn["kind"] == "follow_up":
            continue
        text = normalise(turn["question"])
        assert text not in seen, (name, seen.get(text))
        seen[text] = name


def test_minimum_counts() -> None:
    items = load("conversations.jsonl")
    assert len(items) >= 30
    assert sum(has_change(item) for item in items) >= len(items) / 2
    assert len(unanswerables()) >= 8
    assert {item["split"] for item in load("follow_ups.jsonl")} == {"dev"}
    for split in ("dev", "test"):
        part = [item for item in items if item["split"] == split]
        kinds = {turn["kind"] for item in part for turn in item["turns"]}
        assert kinds == KINDS, split
        assert {turn["answerable"] for item in part for turn in item["turns"]} == {True, False}, split
