"""The features of a reading by hand, and the logistic function."""

import math

import pytest

from index.types import Passage
from qa.confidence import FEATURES, features, objection, probability
from qa.ranking import FEATURES as SENTENCE_FEATURES
from qa.ranking import Candidate, Wanted, load_ranker


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
    shipped = load_ranker()
    assert len(shipped.confidence_weights) == len(FEATURES)
    assert 0 < shipped.threshold < 1


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
