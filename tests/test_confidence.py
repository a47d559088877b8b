"""The features of a reading by hand, and the logistic function."""

import json
import math
from pathlib import Path

import pytest

import qa
from index.types import Passage
from qa.choosing import Choice
from qa.confidence import FEATURES, RUN_FEATURES, features, objection, probability, run_features
from qa.copying import Copied
from qa.ranking import FEATURES as SENTENCE_FEATURES
from qa.ranking import Candidate, Wanted, load_ranker
from qa.types import Span


def candidate(score: float, **values: float) -> Candidate:
    passage = Passage("p", "d", 0, 1, "x")
    return Candidate(passage, 0, 1, "x", tuple(values.get(name, 0.0) for name in SENTENCE_FEATURES), score)


def test_features_by_hand() -> None:
    # Two terms in the corpus weigh 1 and 2, a third that is in no passage weighs 3: half of the weight is unknown.
    wanted = Wanted({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": {"a": 1.0}, "b": {"b": 1.0}, "c": {}}, frozenset("c"))
    ranked = [candidate(math.log(3), coverage=0.4, around=0.1, asked=0.2, date=1.0), candidate(0.0)]
    found = dict(zip(FEATURES, features(wanted, "date", ranked), strict=True))
    assert found["coverage"] == 0.4
    assert found["passage"] == pytest.approx(0.5)
    assert found["unknown"] == pytest.approx(0.5)
    assert found["strangers"] == 1.0
    assert found["probability"] == pytest.approx(0.75)
    assert found["asked"] == 0.2
    assert found["kind"] == 1.0
    assert found["terms"] == pytest.approx(math.log(4))
    assert found["constant"] == 1.0


def test_nothing_special_asked_for_is_never_missing() -> None:
    wanted = Wanted({"a": 1.0}, {"a": {"a": 1.0}}, frozenset())
    assert features(wanted, "thing", [candidate(0.0)])[FEATURES.index("kind")] == 1.0
    assert features(wanted, "date", [candidate(0.0)])[FEATURES.index("kind")] == 0.0


def test_a_question_without_terms_knows_nothing() -> None:
    assert features(Wanted({}, {}, frozenset()), "thing", [candidate(0.0)])[FEATURES.index("unknown")] == 1.0


def test_probability_is_logistic() -> None:
    assert probability((1.0, 2.0), (1.0, -0.5)) == 0.5
    assert probability((math.log(3),), (1.0,)) == pytest.approx(0.75)


def test_the_shipped_weights_fit_the_features() -> None:
    shipped, values = load_ranker(), json.loads(Path(qa.__file__).with_name("ranker.json").read_text("utf-8"))
    assert tuple(values["confidence_weights"]) == FEATURES
    assert tuple(values["run_confidence_weights"]) == RUN_FEATURES
    assert shipped.run_confidence_weights == tuple(values["run_confidence_weights"].values())
    assert 0 < shipped.threshold < 1
    assert 0 < shipped.run_threshold < 1


def choice(text: str, score: float, chance: float, none: float, sentence: Candidate) -> Choice:
    span = Span("d", 0, 1)
    return Choice(text, span, sentence, math.log(chance), math.log(chance * 2), math.log(none), score)


def test_features_of_runs_by_hand() -> None:
    wanted = Wanted({"a": 1.0, "b": 3.0}, {"a": {"a": 1.0}, "b": {}}, frozenset())
    held = candidate(0.0, coverage=0.25, around=0.5, asked=0.25, named=1.0, number=1.0)
    chosen = [choice("Lima", 1.0, 0.25, 0.2, held), choice("en Lima", 0.9, 0.2, 0.2, held)]
    chosen.append(choice("Quito", 1.0 - math.log(3), 0.1, 0.75, held))
    copied = [Copied(held.passage, (), math.log(0.75)), Copied(held.passage, (), math.log(0.2))]
    found = dict(zip(RUN_FEATURES, run_features(wanted, "number", chosen, copied), strict=True))
    assert found["run"] == pytest.approx(math.log(0.25))
    assert found["sentence"] == pytest.approx(math.log(0.5))
    assert found["refused"] == pytest.approx(math.log(0.2 / 0.8))
    assert found["least"] == pytest.approx(math.log(0.2 / 0.8))
    assert found["margin"] == pytest.approx(math.log(3))  # «en Lima» says the same
    assert found["chance"] == pytest.approx(-math.log(1 + math.exp(-0.1) + 1 / 3))
    assert found["coverage"] == 0.25
    assert found["passage"] == 0.75
    assert found["unknown"] == 0.75
    assert found["kind"] == 1.0
    assert found["constant"] == 1.0


def test_features_of_a_run_without_rival_and_of_certainty_are_bounded() -> None:
    wanted = Wanted({"a": 1.0}, {"a": {"a": 1.0}}, frozenset())
    held = candidate(0.0)
    chosen = [choice("Lima", 40.0, 1e-30, 1.0, held)]
    copied = [Copied(held.passage, (), 0.0)]
    found = dict(zip(RUN_FEATURES, run_features(wanted, "thing", chosen, copied), strict=True))
    assert (found["run"], found["refused"], found["margin"]) == (-10.0, 8.0, 6.0)


KNOWN = Wanted({"puent": 1.0, "ruiz": 1.0}, {"puent": {"puent": 1.0}, "ruiz": {"ruiz": 1.0}}, frozenset({"ruiz"}))


def test_nothing_speaks_against_a_sentence_that_holds_what_is_asked() -> None:
    assert objection(KNOWN, "thing", candidate(0.0, asked=1.0), 0.0, 0.2) is None
    assert objection(KNOWN, "date", candidate(0.0, asked=1.0, date=1.0), 0.0, 0.2) is None


def test_a_name_that_no_passage_holds_is_no_evidence() -> None:
    stranger = Wanted({"ruiz": 1.0, "puent": 9.0}, {"ruiz": {}, "puent": {"puent": 1.0}}, frozenset({"ruiz"}))
    assert objection(stranger, "thing", candidate(0.0, asked=1.0), 0.9, 0.2) == "no_evidence"


def test_too_many_unknown_words_are_no_evidence() -> None:
    words = {"puent": {"puent": 1.0}, "tortill": {}}
    assert objection(Wanted({"puent": 6.0, "tortill": 4.0}, words, frozenset()), "thing", candidate(0.0), 0.9, 0.2) == (
        "no_evidence"
    )
    assert (
        objection(Wanted({"puent": 7.0, "tortill": 3.0}, words, frozenset()), "thing", candidate(0.0), 0.9, 0.2) is None
    )


def test_a_date_that_is_not_there_cannot_be_the_answer() -> None:
    assert objection(KNOWN, "date", candidate(0.0, asked=1.0), 0.9, 0.2) == "low_confidence"


def test_a_sentence_that_holds_only_the_names_needs_confidence() -> None:
    assert objection(KNOWN, "thing", candidate(0.0, asked=0.0), 0.1, 0.2) == "low_confidence"
    assert objection(KNOWN, "thing", candidate(0.0, asked=0.0), 0.3, 0.2) is None
