"""The hand-written evaluation questions are well formed and their evidence stands in the articles."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
QUESTIONS = ROOT / "eval" / "questions.jsonl"
ARTICLES = ROOT / "seeds"

COMMON_KEYS = {"id", "split", "type", "lang", "question", "answerable", "answers", "evidence"}
EVIDENCE_KEYS = {"file", "start", "end", "quote"}
REASONS = {"off_topic", "near_miss", "false_premise", "beyond_time"}
TYPES = {
    "person",
    "place",
    "date",
    "number",
    "object",
    "list",
    "why",
    "how",
    "yes_no",
    "who_says",
    "change",
    "several",
    "paraphrased",
    "typed",
    "english",
    "boilerplate",
}


def normalise(text: str) -> str:
    """Lower-case `text`, strip its accents and turn every run of other characters into one space."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", " ", bare).strip()


def occurs(needle: str, text: str) -> bool:
    """Say whether `needle` occurs in `text` as whole words, both normalised."""
    return f" {normalise(needle)} " in f" {normalise(text)} "


def load() -> list[dict[str, Any]]:
    """Read every line of the question file; an empty or broken line raises."""
    lines = QUESTIONS.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return [json.loads(line) for line in lines]


def article(name: str) -> str:
    """Return one article with its newlines as they stand in the file."""
    with (ARTICLES / name).open(encoding="utf-8", newline="") as stream:
        return stream.read()


def answerables() -> list[dict[str, Any]]:
    return [item for item in load() if item["answerable"]]


def unanswerables() -> list[dict[str, Any]]:
    return [item for item in load() if not item["answerable"]]


def test_every_line_has_exactly_the_allowed_keys() -> None:
    for item in load():
        assert isinstance(item, dict)
        assert isinstance(item["answerable"], bool), item
        expected = COMMON_KEYS if item["answerable"] else COMMON_KEYS | {"why_unanswerable"}
        assert set(item) == expected, item["id"]
        for entry in item["evidence"]:
            assert set(entry) == EVIDENCE_KEYS, item["id"]


def test_field_values_are_allowed() -> None:
    for item in load():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item["id"]), item["id"]
        assert item["split"] in {"dev", "test"}, item["id"]
        assert item["lang"] in {"es", "en"}, item["id"]
        assert item["question"] == item["question"].strip(), item["id"]
        assert normalise(item["question"]), item["id"]
        assert item["type"] in (TYPES if item["answerable"] else REASONS), item["id"]


def test_ids_are_unique() -> None:
    repeated = [key for key, count in Counter(item["id"] for item in load()).items() if count > 1]
    assert repeated == []


def test_every_quote_stands_at_its_offsets() -> None:
    for item in load():
        spans = [(entry["file"], entry["start"], entry["end"]) for entry in item["evidence"]]
        assert len(spans) == len(set(spans)), item["id"]
        for entry in item["evidence"]:
            text = article(entry["file"])
            assert 0 <= entry["start"] < entry["end"] <= len(text), item["id"]
            assert text[entry["start"] : entry["end"]] == entry["quote"], item["id"]


def test_every_answer_group_occurs_in_the_evidence() -> None:
    for item in answerables():
        assert item["answers"], item["id"]
        assert item["evidence"], item["id"]
        together = " ".join(entry["quote"] for entry in item["evidence"])
        for group in item["answers"]:
            assert group and all(isinstance(word, str) and normalise(word) for word in group), item["id"]
            assert any(occurs(word, together) for word in group), (item["id"], group)


def test_every_evidence_quote_meets_some_answer_group() -> None:
    for item in answerables():
        for entry in item["evidence"]:
            words = [word for group in item["answers"] for word in group]
            assert any(occurs(word, entry["quote"]) for word in words), (item["id"], entry["start"])


def test_one_quote_is_enough_unless_the_question_needs_several() -> None:
    for item in answerables():
        if item["type"] == "several":
            continue
        for entry in item["evidence"]:
            met = all(any(occurs(word, entry["quote"]) for word in group) for group in item["answers"])
            assert met, (item["id"], entry["start"])


def test_unanswerables_have_a_reason_and_no_evidence() -> None:
    for item in unanswerables():
        assert item["why_unanswerable"] in REASONS, item["id"]
        assert item["type"] == item["why_unanswerable"], item["id"]
        assert item["answers"] == [], item["id"]
        assert item["evidence"] == [], item["id"]


def test_no_question_is_repeated() -> None:
    seen: dict[str, str] = {}
    for item in load():
        text = normalise(item["question"])
        assert text not in seen, (item["id"], seen.get(text))
        seen[text] = item["id"]


def test_minimum_counts() -> None:
    reasons = Counter(item["why_unanswerable"] for item in unanswerables())
    assert len(answerables()) >= 30
    assert sum(reasons.values()) >= 10
    assert reasons["near_miss"] >= 6
    assert {item["split"] for item in answerables()} == {"dev", "test"}
    assert {item["split"] for item in unanswerables()} == {"dev", "test"}
