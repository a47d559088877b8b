"""The hand-written question set can be trusted: its evidence stands, its counts hold, dev gives away nothing of test.

Each check returns what it complains about, so that a bad question can be shown to be found.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.fuzz import token_set_ratio

from eval.metrics import holds_fact, is_met, touches
from eval.normalisation import normalised
from eval.types import SPLITS, TYPES, UNANSWERABLE, Evidence, Question
from index import corpus
from index.spanish import stopwords

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
REQUIRED = {"id", "split", "type", "lang", "question", "answerable", "answers", "evidence"}
ALLOWED = REQUIRED | {"history", "why_unanswerable", "form", "plain"}
EVIDENCE_KEYS = {"file", "start", "end", "quote"}
FORM_TYPES = {
    "unaccented": "typed",
    "typo": "typed",
    "name_variant": "typed",
    "english": "english",
    "double": "double",
}

LEAST_OF_A_TYPE = 8
LEAST_UNANSWERABLE = 50
LEAST = 200
# The wordings most alike of dev and test reach 83; a question and its reworded form 88 or more, but for one with 80.
TOO_ALIKE = 85

Check = Callable[[Sequence[Question]], list[str]]


def lines() -> list[dict[str, Any]]:
    text = (ROOT / "eval" / "questions.jsonl").read_text(encoding="utf-8").removesuffix("\n")
    return [json.loads(line) for line in text.split("\n")]


def read(record: dict[str, Any]) -> Question:
    values = record | {
        "answers": tuple(map(tuple, record["answers"])),
        "evidence": tuple(Evidence(**each) for each in record["evidence"]),
        "history": tuple(record.get("history", ())),
        "plain": tuple(record.get("plain", ())),
    }
    return Question(**values)


@cache
def questions() -> tuple[Question, ...]:
    return tuple(map(read, lines()))


@cache
def article(file: str) -> str:
    return corpus.read(SEEDS, file).text


# --- The checks: each names what it complains about ---


def misshapen(records: Sequence[dict[str, Any]]) -> list[str]:
    """Ids of lines with a key too many or too few, and of evidence that has other keys than it should."""
    return [
        record["id"]
        for record in records
        if not REQUIRED <= record.keys() <= ALLOWED
        or any(each.keys() != EVIDENCE_KEYS for each in record["evidence"])
        or any(not record[key] for key in record.keys() - REQUIRED)
    ]


def repeated_ids(asked: Sequence[Question]) -> list[str]:
    return [identity for identity, count in Counter(each.id for each in asked).items() if count > 1]


def invalid(asked: Sequence[Question]) -> list[str]:
    return [each.id for each in asked if not (has_valid_values(each) and is_consistent(each))]


def has_valid_values(asked: Question) -> bool:
    return (
        re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", asked.id) is not None
        and asked.split in SPLITS
        and asked.lang in ("es", "en")
        and all(text == text.strip() and normalised(text).strip() for text in (asked.question, *asked.history))
        and (asked.form is None) == (not asked.plain)
        and (asked.form is None or FORM_TYPES.get(asked.form) == asked.type)
        and (asked.type != "english" or asked.lang == "en")
        and (asked.type != "follow_up" or bool(asked.history))
    )


def is_consistent(asked: Question) -> bool:
    """Whether type, answers, evidence and the reason for no answer go together."""
    if asked.answerable:
        alternatives = [alternative for group in asked.answers for alternative in group]
        return (
            asked.type in TYPES
            and asked.why_unanswerable is None
            and bool(asked.evidence)
            and bool(asked.answers)
            and all(asked.answers)
            and all(normalised(alternative).strip() for alternative in alternatives)
        )
    return asked.type == asked.why_unanswerable in UNANSWERABLE and not asked.answers and not asked.evidence


def misquoted(asked: Sequence[Question]) -> list[str]:
    return [each.id for each in asked if not all(map(stands, each.evidence))]


def stands(evidence: Evidence) -> bool:
    text = article(evidence.file)
    within = 0 <= evidence.start < evidence.end <= len(text)
    return within and text[evidence.start : evidence.end] == evidence.quote


def unproven(asked: Sequence[Question]) -> list[str]:
    """Ids of questions whose answer the evidence does not hold, and of those with evidence that holds nothing of it."""
    return [
        each.id
        for each in asked
        if not holds_fact(each.answers, " ".join(evidence.quote for evidence in each.evidence))
        or not all(any(is_met(group, evidence.quote) for group in each.answers) for evidence in each.evidence)
    ]


def answered_by_themselves(asked: Sequence[Question]) -> list[str]:
    """Ids of questions whose own words hold the answer, so that repeating them would count as right."""
    return [each.id for each in asked if each.answers and holds_fact(each.answers, " ".join(wording(each)))]


def in_one_article(asked: Sequence[Question]) -> list[str]:
    """Ids of questions across articles that one article alone would answer."""
    return [each.id for each in asked if each.type == "several" and any(map(answered_by(each), files_of(each)))]


def answered_by(asked: Question) -> Callable[[str], bool]:
    def is_enough(file: str) -> bool:
        quotes = [evidence.quote for evidence in asked.evidence if evidence.file == file]
        return holds_fact(asked.answers, " ".join(quotes))

    return is_enough


def files_of(asked: Question) -> set[str]:
    return {evidence.file for evidence in asked.evidence}


def without_plain(asked: Sequence[Question]) -> list[str]:
    """Ids of reworded questions whose plain ones are missing, reworded themselves, or of another split."""
    by_id = {each.id: each for each in asked if each.form is None}
    return [
        each.id for each in asked if any(plain not in by_id or by_id[plain].split != each.split for plain in each.plain)
    ]


def across(asked: Sequence[Question]) -> Iterator[tuple[Question, Question]]:
    """Every pair of a dev and a test question."""
    dev = [each for each in asked if each.split == "dev"]
    return product(dev, [each for each in asked if each.split == "test"])


def same_wording(asked: Sequence[Question]) -> list[str]:
    return [f"{dev.id} {test.id}" for dev, test in across(asked) if wording(dev) == wording(test)]


def wording(asked: Question) -> tuple[str, ...]:
    return tuple(map(normalised, (*asked.history, asked.question)))


def alike(asked: Sequence[Question]) -> list[str]:
    """Pairs of dev and test that say nearly the same.

    Overviews are left to `shared_facts`: the article that is named, not the wording, tells them apart.
    """
    return [
        f"{dev.id} {test.id}"
        for dev, test in across(asked)
        if not dev.type == test.type == "overview" and token_set_ratio(content(dev), content(test)) > TOO_ALIKE
    ]


@cache
def content(asked: Question) -> str:
    words = " ".join(wording(asked)).split()
    return " ".join(word for word in words if word not in stopwords())


def shared_facts(asked: Sequence[Question]) -> list[str]:
    """Pairs of dev and test that ask for the same fact; overviews are compared with overviews only."""
    return [
        f"{dev.id} {test.id}"
        for dev, test in across(asked)
        if (dev.type == "overview") == (test.type == "overview") and share_a_fact(dev, test)
    ]


def share_a_fact(one: Question, other: Question) -> bool:
    """Whether evidence overlaps and the answer of one gives away the answer of the other."""
    if not any(touches((place.file, place.start, place.end), other.evidence) for place in one.evidence):
        return False
    return gives_away(one, other) or gives_away(other, one)


def gives_away(one: Question, other: Question) -> bool:
    """Whether each group of the second answer is met by an alternative of the first."""
    known = [alternative for group in one.answers for alternative in group]
    return bool(other.answers) and all(any(is_met(group, each) for each in known) for group in other.answers)


# --- The set passes them ---


def test_every_line_has_the_keys_of_a_question() -> None:
    assert misshapen(lines()) == []


@pytest.mark.parametrize(
    "check",
    [
        repeated_ids,
        invalid,
        misquoted,
        answered_by_themselves,
        in_one_article,
        without_plain,
        same_wording,
        alike,
        shared_facts,
    ],
)
def test_the_set_is_sound(check: Check) -> None:
    assert check(questions()) == []


def test_every_answer_is_held_by_its_evidence() -> None:
    assert unproven([each for each in questions() if each.answerable]) == []


def test_there_are_enough_of_each_type_in_both_splits() -> None:
    counts = Counter(each.type for each in questions())
    assert {kind: counts[kind] for kind in TYPES if counts[kind] < LEAST_OF_A_TYPE} == {}
    for split in SPLITS:
        present = {each.type for each in questions() if each.split == split}
        assert {*TYPES, *UNANSWERABLE} <= present


def test_there_are_enough_in_all_and_enough_without_an_answer() -> None:
    assert len(questions()) >= LEAST
    assert sum(not each.answerable for each in questions()) >= LEAST_UNANSWERABLE


# --- Each check finds a bad question ---

FILE = "000_0c968cba595d11b1.txt"
OTHER_FILE = "001_b93cd10eda9988a7.txt"
GOOD = Question(
    id="choe-dias",
    split="dev",
    type="date",
    lang="es",
    question="¿Qué días pasó Choe Son Hui en Rusia?",
    answerable=True,
    answers=(("15 al 17",),),
    evidence=(Evidence(FILE, 466, 499, "Rusia del 15 al 17 de enero para "),),
)
IN_TEST = replace(GOOD, id="choe-estancia", split="test", question="¿Cuándo estuvo la ministra en Moscú?")
NOTHING = Question("edad", "dev", "near_miss", "es", "¿Qué edad tiene?", False, why_unanswerable="near_miss")


def test_the_good_examples_pass() -> None:
    assert misquoted([GOOD]) == invalid([GOOD, NOTHING]) == unproven([GOOD]) == []
    assert repeated_ids([GOOD, NOTHING]) == without_plain([GOOD]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Split": "dev"},
        {"history": []},
        {"evidence": [{"file": FILE, "quote": "Rusia"}]},
    ],
)
def test_a_key_too_many_an_empty_one_and_evidence_without_offsets_are_found(changes: dict[str, Any]) -> None:
    record = {key: value for key, value in lines()[0].items() if key in REQUIRED}
    assert misshapen([record]) == []
    assert misshapen([record | changes]) == [record["id"]]


def test_a_missing_key_is_found() -> None:
    record = {key: value for key, value in lines()[0].items() if key != "lang"}
    assert misshapen([record]) == [record["id"]]


def test_an_id_given_twice_is_found() -> None:
    assert repeated_ids([GOOD, GOOD]) == [GOOD.id]


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, id="Choe días"),
        replace(GOOD, split="train"),
        replace(GOOD, lang="fr"),
        replace(GOOD, question="¿?"),
        replace(GOOD, type="near_miss"),
        replace(GOOD, type="english"),
        replace(GOOD, type="follow_up"),
        replace(GOOD, form="typo", plain=("choe",)),
        replace(GOOD, type="typed", form="typo"),
        replace(GOOD, answers=()),
        replace(GOOD, answers=(("¡",),)),
        replace(GOOD, evidence=()),
        replace(GOOD, answerable=False),
        replace(GOOD, why_unanswerable="near_miss"),
        replace(NOTHING, why_unanswerable="off_topic"),
        replace(NOTHING, answers=(("40",),)),
    ],
)
def test_values_that_are_unknown_or_do_not_go_together_are_found(bad: Question) -> None:
    assert invalid([bad]) == [bad.id]


@pytest.mark.parametrize(
    "evidence", [Evidence(FILE, 467, 500, GOOD.evidence[0].quote), Evidence(FILE, 5800, 5900, "fin")]
)
def test_a_quotation_elsewhere_and_offsets_past_the_end_are_found(evidence: Evidence) -> None:
    assert misquoted([replace(GOOD, evidence=(evidence,))]) == [GOOD.id]


def test_an_answer_that_its_evidence_lacks_and_idle_evidence_are_found() -> None:
    idle = Evidence(FILE, 0, 14, "Corea del Norte")
    assert unproven([replace(GOOD, answers=(("15 al 17",), ("febrero",)))]) == [GOOD.id]
    assert unproven([replace(GOOD, evidence=(*GOOD.evidence, idle))]) == [GOOD.id]


def test_an_answer_in_the_question_or_before_it_is_found() -> None:
    told = replace(GOOD, question="¿Estuvo Choe del 15 al 17 en Rusia?")
    assert answered_by_themselves([GOOD, NOTHING]) == []
    assert answered_by_themselves([told]) == [GOOD.id]
    assert answered_by_themselves([replace(GOOD, history=(told.question,))]) == [GOOD.id]


def test_a_question_across_articles_that_one_answers_is_found() -> None:
    elsewhere = Evidence(OTHER_FILE, 0, 10, "martes")
    two = replace(GOOD, type="several", answers=(("15 al 17",), ("martes",)), evidence=(*GOOD.evidence, elsewhere))
    assert in_one_article([two]) == []
    assert in_one_article([replace(two, answers=two.answers[:1])]) == [GOOD.id]


@pytest.mark.parametrize("plain", [IN_TEST, replace(GOOD, id=IN_TEST.id, form="typo"), NOTHING])
def test_a_plain_question_that_is_missing_reworded_or_of_the_other_split_is_found(plain: Question) -> None:
    typed = replace(GOOD, id="choe-errata", type="typed", form="typo", plain=(IN_TEST.id,))
    assert without_plain([replace(GOOD, id=IN_TEST.id), typed]) == []
    assert without_plain([plain, typed]) == [typed.id]


def test_the_same_words_in_both_splits_are_found_unless_the_history_differs() -> None:
    dev = replace(GOOD, question="¿Y cuándo fue?", history=("¿Qué dijo Kim?",))
    test = replace(IN_TEST, question="y cuando fue", history=("¿Qué dijo Kim?",))
    assert same_wording([dev, test]) == [f"{dev.id} {test.id}"]
    assert same_wording([dev, replace(test, history=("¿Qué hizo Choe?",))]) == []
    assert same_wording([dev, replace(test, split="dev")]) == []


def test_nearly_the_same_words_are_found_also_where_there_is_no_answer() -> None:
    test = replace(NOTHING, id="edad-de-kim", split="test", question="que años tiene Kim Jon Un")
    dev = replace(NOTHING, question="¿Cuántos años tiene Kim Jong Un?")
    assert alike([dev, test]) == [f"{dev.id} {test.id}"]
    assert alike([dev, replace(test, question="¿Dónde nació Kim Jong Un?")]) == []


def test_overviews_of_two_articles_are_not_taken_for_the_same() -> None:
    dev = replace(GOOD, type="overview", question="¿De qué va el artículo 2?")
    test = replace(IN_TEST, type="overview", question="¿De qué va el artículo 3?")
    assert alike([dev, test]) == []
    assert alike([dev, replace(test, type="object")]) == [f"{dev.id} {test.id}"]


@pytest.mark.parametrize(
    "answers",
    [(("15 al 17",),), (("del 15 al 17 de enero",),), (("15 al 17",), ("fortalecer",)), (("17", "15 al 17"),)],
)
def test_a_fact_in_both_splits_is_found(answers: tuple[tuple[str, ...], ...]) -> None:
    assert shared_facts([GOOD, replace(IN_TEST, answers=answers)]) == [f"{GOOD.id} {IN_TEST.id}"]


@pytest.mark.parametrize(
    "other",
    [
        replace(IN_TEST, answers=(("fortalecer",),)),
        replace(IN_TEST, evidence=(replace(GOOD.evidence[0], file=OTHER_FILE),)),
        replace(IN_TEST, type="overview"),
        replace(IN_TEST, split="dev"),
    ],
)
def test_another_fact_another_place_and_an_overview_are_no_shared_fact(other: Question) -> None:
    assert shared_facts([GOOD, other]) == []
