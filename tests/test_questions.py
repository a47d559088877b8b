"""The reworded questions of the hand-written set go with their plain ones; see `test_question_set` for the rest."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from eval.types import UNANSWERABLE

ROOT = Path(__file__).parent.parent
QUESTIONS = ROOT / "eval" / "questions.jsonl"
ARTICLES = ROOT / "seeds"

EVIDENCE_KEYS = {"file", "start", "end", "quote"}
REASONS = set(UNANSWERABLE)
# Here the answer may be spread over several sentences.
SPREAD = {"list", "several", "double", "change", "overview", "boilerplate"}
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


def test_one_quote_is_enough_unless_the_question_needs_several() -> None:
    for item in answerables():
        if item["type"] in SPREAD:
            continue
        for entry in item["evidence"]:
            met = all(any(occurs(word, entry["quote"]) for word in group) for group in item["answers"])
            assert met, (item["id"], entry["start"])


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


def test_there_are_enough_of_each_form() -> None:
    forms = Counter(item["form"] for item, _ in reworded())
    assert sum(forms.values()) >= 25
    assert set(forms) == FORMS
    assert min(forms.values()) >= 6
