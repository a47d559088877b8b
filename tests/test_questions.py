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
FORM_KEYS = {"form", "plain"}
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
PLAIN_TYPES = {"person", "place", "date", "number", "object", "list", "why", "how", "yes_no", "who_says"}
FORMS = {"unaccented", "typo", "name_variant", "english", "double"}


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


def reworded() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return every item that has a form, each with the plain items that it rewords."""
    by_id = {item["id"]: item for item in load()}
    return [(item, [by_id[key] for key in item["plain"]]) for item in by_id.values() if "form" in item]


def test_every_line_has_exactly_the_allowed_keys() -> None:
    for item in load():
        assert isinstance(item, dict)
        assert isinstance(item["answerable"], bool), item
        expected = COMMON_KEYS if item["answerable"] else COMMON_KEYS | {"why_unanswerable"}
        if FORM_KEYS & set(item):
            expected = expected | FORM_KEYS
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
    """An unaccented question reads like its plain one once normalised; it must differ from all others, as typed too."""
    as_typed = [item["question"] for item in load()]
    assert len(as_typed) == len(set(as_typed))
    seen: dict[str, str] = {}
    for item in load():
        if item.get("form") == "unaccented":
            continue
        text = normalise(item["question"])
        assert text not in seen, (item["id"], seen.get(text))
        seen[text] = item["id"]
    plain_ids = [item["plain"] for item, _ in reworded() if item["form"] == "unaccented"]
    assert len(plain_ids) == len({tuple(ids) for ids in plain_ids})


def test_every_form_rewords_answerable_plain_questions_of_its_split() -> None:
    for item, plains in reworded():
        assert item["form"] in FORMS, item["id"]
        assert item["answerable"], item["id"]
        assert len(plains) == (2 if item["form"] == "double" else 1), item["id"]
        assert len(set(item["plain"])) == len(plains), item["id"]
        for plain in plains:
            assert plain["answerable"], item["id"]
            assert "form" not in plain, item["id"]
            assert plain["lang"] == "es", item["id"]
            assert plain["type"] in PLAIN_TYPES, item["id"]
            assert plain["split"] == item["split"], item["id"]
        assert item["type"] == ("several" if item["form"] == "double" else plains[0]["type"]), item["id"]


def test_every_form_keeps_the_answers_and_evidence_of_its_plain_questions() -> None:
    for item, plains in reworded():
        assert item["answers"] == [group for plain in plains for group in plain["answers"]], item["id"]
        evidence: list[dict[str, Any]] = []
        for plain in plains:
            evidence += [entry for entry in plain["evidence"] if entry not in evidence]
        assert item["evidence"] == evidence, item["id"]


def test_every_form_is_worded_as_it_says() -> None:
    for item, plains in reworded():
        form = item["form"]
        if form != "double":
            assert (item["lang"] == "en") == (form == "english"), item["id"]
        words, plain_words = normalise(item["question"]).split(), normalise(plains[0]["question"]).split()
        assert (words == plain_words) == (form == "unaccented"), item["id"]
        if form == "unaccented":
            assert re.fullmatch(r"[a-zñ0-9, ]+", item["question"]), item["id"]
        if form == "typo":
            differing = [pair for pair in zip(words, plain_words, strict=True) if pair[0] != pair[1]]
            assert len(differing) in {1, 2}, item["id"]


def test_minimum_counts() -> None:
    reasons = Counter(item["why_unanswerable"] for item in unanswerables())
    assert len(answerables()) >= 30
    assert sum(reasons.values()) >= 10
    assert reasons["near_miss"] >= 6
    assert {item["split"] for item in answerables()} == {"dev", "test"}
    assert {item["split"] for item in unanswerables()} == {"dev", "test"}
    forms = Counter(item["form"] for item, _ in reworded())
    assert sum(forms.values()) >= 25
    assert set(forms) == FORMS
    assert min(forms.values()) >= 6
