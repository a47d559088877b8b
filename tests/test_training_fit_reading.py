"""What is fitted to how questions were read: made-up readings whose best weights are known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from eval.types import Question
from index.types import Hit, Passage
from qa.answer import Assistant
from qa.confidence import RUN_FEATURES
from qa.copying import Copied, CopiedRun, Occurrence
from qa.ranking import FEATURES, Candidate, Ranker, Wanted
from qa.reader import NOTHING
from qa.settings import Settings
from qa.training import fit_reading
from qa.training.fit_reading import (
    Judged,
    Observation,
    Observer,
    first_right,
    fit_choice,
    fit_reranking,
    judged,
    observe_passages,
    threshold_for,
)
from qa.training.passages import VALIDATION, read_passages
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.test_reader import PlainTerms, ranker

TEXT = "Ana vive en Lima. Eva vive en Quito."
PASSAGE = Passage("p", "d", 0, len(TEXT), TEXT)
WANTED = Wanted({"viv": 1.0}, {"viv": {"viv": 1.0}}, frozenset())
BY_MODEL = replace(ranker(), run_weight=1.0, sentence_weight=0.0)


def sentence(start: int, end: int, score: float) -> Candidate:
    return Candidate(PASSAGE, start, end, TEXT[start:end], (0.0,) * len(FEATURES), score)


def run(words: str, chance: float) -> CopiedRun:
    start = TEXT.index(words)
    return CopiedRun(words, (Occurrence(PASSAGE, start, start + len(words)),), math.log(chance))


def observed(gold: str, ana: float, eva: float, first: float, second: float, answerable: bool = True) -> Observation:
    """Ana's and Eva's chances as runs, and the scores of their sentences."""
    question = Question("q", "dev", "person", "es", "¿Quién vive?", answerable, answers=((gold,),))
    ranked = tuple(sorted([sentence(0, 17, first), sentence(18, 36, second)], key=lambda each: -each.score))
    copied = Copied(PASSAGE, (run("Ana", ana), run("Eva", eva)), math.log(0.1))
    return Observation("x", question, WANTED, "person", ranked, (copied,))


def test_what_tells_right_from_wrong_gets_the_weight() -> None:
    by_model = [observed("Eva", 0.2, 0.6, 1.0, 1.0), observed("Ana", 0.5, 0.3, 1.0, 1.0)]
    run_weight, _ = fit_choice(by_model)
    assert run_weight > 3
    by_sentence = [observed("Eva", 0.6, 0.2, 1.0, 3.0), observed("Ana", 0.2, 0.6, 2.0, 1.0)]
    run_weight, sentence_weight = fit_choice(by_sentence)
    assert sentence_weight > 3
    assert all(each.right(each.choices(run_weight, sentence_weight)[0].text) for each in by_sentence)


@pytest.mark.parametrize(
    ("gold", "answerable", "right"),
    [("Eva", True, True), ("Eva vive", True, True), ("Eva", False, False), ("Quito", True, False)],
)
def test_a_run_is_right_if_most_of_it_is_gold_and_there_is_an_answer(gold: str, answerable: bool, right: bool) -> None:
    (best, _) = observed(gold, 0.1, 0.6, 0.0, 0.0, answerable).choices(1.0, 0.0)
    assert best.text == "Eva"
    assert observed(gold, 0.1, 0.6, 0.0, 0.0, answerable).right(best.text) is right


def test_each_reading_with_runs_gives_a_row_and_whether_its_best_run_is_right() -> None:
    seen = [observed("Eva", 0.1, 0.6, 0.0, 0.0), observed("Ana", 0.1, 0.6, 0.0, 0.0)]
    seen.append(Observation("x", seen[0].question, WANTED, "person", seen[0].ranked, (Copied(PASSAGE, (), -0.1),)))
    told = judged(seen, BY_MODEL)
    assert told.rows.shape == (2, len(RUN_FEATURES))
    assert told.right.tolist() == [True, False]
    assert told.answerable.tolist() == [True, True]
    assert told.objected.tolist() == [False, False]


def test_what_is_shown_is_judged_the_sentence_where_the_run_gives_way() -> None:
    seen = [observed("Quito", 0.1, 0.6, 0.0, 0.0)]
    assert judged(seen, BY_MODEL).right.tolist() == [False]
    assert judged(seen, replace(BY_MODEL, run_share=1.1)).right.tolist() == [True]


def test_the_second_sentence_is_judged_too_where_it_is_told() -> None:
    seen = [observed("Lima", 0.3, 0.6, 0.0, 0.0)]
    one = replace(BY_MODEL, run_share=1.1)
    assert judged(seen, one).right.tolist() == [False]
    assert judged(seen, replace(one, next_share=0.6)).right.tolist() == [False]
    assert judged(seen, replace(one, next_share=0.4)).right.tolist() == [True]


def test_the_threshold_refuses_the_share_that_was_named() -> None:
    rows = np.arange(-5.0, 5.0)[:, None]
    told = Judged(rows, rows[:, 0] > 0, np.zeros(10, dtype=bool), np.array([True] * 9 + [False]))
    threshold = threshold_for(told, np.array([1.0]), 0.25)
    assert (1 / (1 + np.exp(-rows[:9, 0])) < threshold).sum() == 2
    objected = Judged(rows, told.right, np.array([False] * 5 + [True] * 5), told.answerable)
    assert threshold_for(objected, np.array([1.0]), 0.3) == 0.0  # four of nine are refused whatever it is


def test_the_observer_answers_nothing_and_hands_out_the_last_reading_once() -> None:
    observer, asked = Observer(), Question("q", "dev", "person", "es", "¿Quién vive?", True)
    weights: Ranker = ranker()
    said = observer(FakeModel(), "¿Quién vive?", [Hit(PASSAGE, 1.0, 1, "lexical")], PlainTerms(), weights, [])
    assert said == NOTHING
    (taken,) = observer.take("dev", asked, {PASSAGE.document_id: "a.txt"})
    assert (taken.setting, taken.question, len(taken.ranked), len(taken.copied)) == ("dev", asked, 2, 1)
    assert observer.take("dev", asked, {}) == []


def test_questions_of_the_reading_corpus_are_observed_over_its_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    def assistant(settings: Settings, reading: Observer) -> Assistant:
        return Assistant(settings, embedder=FakeEmbedder(), model=FakeModel(), reading=reading)

    monkeypatch.setattr(fit_reading, "Assistant", assistant)
    passages = read_passages([VALIDATION])[:2]
    asked = {question.id: question for passage in passages for question in passage.questions}
    seen = observe_passages(passages, "corpus", 10)
    assert len(seen) == 10
    for each in seen:
        question = asked[each.question.id]
        assert each.question.answerable != question.is_near_miss
        assert any(each.holding) == each.question.answerable  # with two passages both are found
        assert each.hits and len(each.holding) == len(each.hits)


def test_the_reader_is_believed_as_far_as_it_helps() -> None:
    passages = [PASSAGE, Passage("q", "e", 0, len(TEXT), TEXT)]
    hits = (Hit(passages[0], 1.0, 1, "lexical"), Hit(passages[1], 0.8, 2, "lexical"))

    def read(first: float, second: float, holding: tuple[bool, bool]) -> Observation:
        one = observed("Eva", 0.1, 0.6, 0.0, 0.0)
        chances = (math.log(first), math.log(second))
        copied = tuple(Copied(each, (), chance) for each, chance in zip(passages, chances, strict=True))
        return replace(one, copied=copied, hits=hits, holding=holding)

    helps = [read(0.9, 0.1, (False, True)), read(0.5, 0.5, (True, False))]
    assert fit_reranking(helps) == 0.1
    assert (first_right(helps, 0.0), first_right(helps, 0.1)) == (0.5, 1.0)
    misleads = [read(0.9, 0.1, (True, False))]
    assert fit_reranking(misleads) == 0.0
