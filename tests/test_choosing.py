"""Of the runs of several passages the one that answers: its place, its sentence, its rivals."""

import math
from collections.abc import Sequence

import pytest

from index.types import Hit, Passage
from qa.choosing import Choice, agreement, by_sentence, choices, reranked, rival, together
from qa.copying import Copied, CopiedRun, Occurrence
from qa.ranking import FEATURES, Candidate
from qa.types import Span

FIRST, SECOND = "Ana Ruiz llegó a Lima.", "En Lima vive Ana desde mayo."
TEXT = f"{FIRST} {SECOND}"
PASSAGE = Passage("a:10", "a", 10, 10 + len(TEXT), TEXT)


def sentence(text: str, score: float, passage: Passage = PASSAGE) -> Candidate:
    start = passage.start + passage.text.index(text)
    return Candidate(passage, start, start + len(text), text, (0.0,) * len(FEATURES), score)


def run(text: str, chance: float, passage: Passage = PASSAGE) -> CopiedRun:
    """The run with all its places in the passage."""
    starts = [i for i in range(len(passage.text)) if passage.text.startswith(text, i)]
    places = tuple(Occurrence(passage, passage.start + i, passage.start + i + len(text)) for i in starts)
    return CopiedRun(text, places, math.log(chance))


def read(*runs: CopiedRun, none: float = 0.2) -> Copied:
    return Copied(runs[0].occurrences[0].passage, runs, math.log(none))


RANKED = [sentence(SECOND, 2.0), sentence(FIRST, 1.0)]


def texts(found: Sequence[Choice]) -> list[str]:
    return [each.text for each in found]


def test_the_likelier_run_comes_first_where_only_the_model_is_asked() -> None:
    found = choices([read(run("Ana Ruiz", 0.5), run("mayo", 0.2))], RANKED, 1.0, 0.0)
    assert texts(found) == ["Ana Ruiz", "mayo"]
    assert [each.score for each in found] == pytest.approx([math.log(0.5), math.log(0.2)])


def test_the_run_of_the_better_sentence_comes_first_where_only_sentences_are_asked() -> None:
    found = choices([read(run("Ana Ruiz", 0.5), run("mayo", 0.2))], RANKED, 0.0, 1.0)
    assert texts(found) == ["mayo", "Ana Ruiz"]


def test_of_several_places_it_is_that_of_the_best_sentence() -> None:
    (found,) = choices([read(run("Lima", 0.5))], RANKED, 1.0, 1.0)
    assert found.sentence.text == SECOND
    assert found.span == Span("a", 10 + TEXT.rindex("Lima"), 10 + TEXT.rindex("Lima") + 4)
    (found,) = choices([read(run("Lima", 0.5))], RANKED[::-1], 1.0, 1.0)
    assert found.sentence.text == FIRST


def test_runs_of_one_sentence_support_one_another() -> None:
    found = choices([read(run("Ana Ruiz", 0.3), run("Ruiz", 0.2), run("mayo", 0.1))], RANKED, 1.0, 0.0)
    assert [math.exp(each.sentence_logprob) for each in found] == pytest.approx([0.5, 0.5, 0.1])


def test_the_sentence_is_chosen_before_the_run() -> None:
    found = choices([read(run("mayo", 0.3), run("Ana Ruiz", 0.2), run("Ruiz", 0.15))], RANKED, 1.0, 0.0)
    assert texts(found) == ["Ana Ruiz", "Ruiz", "mayo"]
    first, second = by_sentence(found)
    assert (texts(first), texts(second)) == (["Ana Ruiz", "Ruiz"], ["mayo"])
    assert [math.exp(together(each)) for each in (first, second)] == pytest.approx([0.35, 0.3])


def test_a_run_in_a_sentence_that_was_left_out_is_no_answer() -> None:
    assert choices([read(run("mayo", 0.5))], [sentence(FIRST, 1.0)], 1.0, 1.0) == []


def test_each_run_knows_whether_its_own_passage_answers() -> None:
    other = Passage("b:0", "b", 0, len(FIRST), FIRST)
    ranked = [*RANKED, sentence(FIRST, 0.5, other)]
    copied = [read(run("mayo", 0.5), none=0.1), read(run("Ana Ruiz", 0.4, other), none=0.6)]
    found = {each.text: each for each in choices(copied, ranked, 1.0, 0.0)}
    assert math.exp(found["mayo"].no_answer) == pytest.approx(0.1)
    assert math.exp(found["Ana Ruiz"].no_answer) == pytest.approx(0.6)
    assert found["Ana Ruiz"].span == Span("b", 0, 8)


def test_a_rival_says_something_else_and_no_more_or_less_of_the_same() -> None:
    runs = [run("Ana Ruiz", 0.4), run("Ruiz", 0.2), run("Ana Ruiz llegó", 0.15), run("Lima", 0.1), run("mayo", 0.05)]
    found = rival(choices([read(*runs)], RANKED, 1.0, 0.0))
    assert found is not None
    assert found.text == "Lima"
    assert rival(choices([read(*runs[:3])], RANKED, 1.0, 0.0)) is None


def test_runs_agree_where_one_says_no_more_or_less_of_the_same_than_the_first() -> None:
    runs = [run("Ana Ruiz", 0.4), run("Ruiz", 0.2), run("Ana Ruiz llegó", 0.15), run("Lima", 0.05)]
    assert agreement(choices([read(*runs)], RANKED, 1.0, 0.0)) == pytest.approx(0.75 / 0.8)
    assert agreement(choices([read(*runs[:3])], RANKED, 1.0, 0.0)) == pytest.approx(1.0)
    # «Ruiz llegó» shares a word with the first, and holds neither it nor is in it.
    assert agreement(choices([read(runs[0], run("Ruiz llegó", 0.4))], RANKED, 1.0, 0.0)) == pytest.approx(0.5)


def test_part_of_a_word_or_number_is_something_else() -> None:
    text = "El 15 vino Ana, y 5 más mañana."
    passage = Passage("c", "c", 0, len(text), text)
    ranked = [sentence(text, 1.0, passage)]
    for first, other in (("15", "5"), ("Ana", "mañana")):
        found = rival(choices([read(run(first, 0.5, passage), run(other, 0.4, passage))], ranked, 1.0, 0.0))
        assert found is not None and found.text == other


def found_in(*scores: float) -> list[Hit]:
    passages = [Passage(f"{n}", f"{n}", 0, len(TEXT), TEXT) for n in range(len(scores))]
    return [Hit(each, score, n, "lexical") for n, (each, score) in enumerate(zip(passages, scores, strict=True), 1)]


def test_a_passage_that_is_believed_to_answer_comes_before_one_that_is_not() -> None:
    hits = found_in(1.0, 0.9, 0.2)
    copied = [Copied(hits[0].passage, (), math.log(0.9)), Copied(hits[1].passage, (), math.log(0.1))]
    assert [hit.passage.id for hit in reranked(hits, copied, 0.0)] == ["0", "1", "2"]
    again = reranked(hits, copied, 0.1)
    assert [(hit.passage.id, hit.score, hit.rank) for hit in again] == [("1", 0.9, 1), ("0", 1.0, 2), ("2", 0.2, 3)]


def test_a_passage_that_was_not_read_stays_behind_those_that_were() -> None:
    hits = found_in(1.0, 0.9, 0.8)
    copied = [Copied(hit.passage, (), 0.0) for hit in hits[:2]]
    assert [hit.passage.id for hit in reranked(hits, copied, 5.0)] == ["0", "1", "2"]
    assert reranked([], [], 1.0) == ()


def test_a_passage_that_could_not_be_read_keeps_its_place_where_the_others_are_alike() -> None:
    hits = found_in(1.0, 0.9, 0.8)
    copied = [Copied(hit.passage, (), math.log(0.5)) for hit in hits[1:]]
    assert [hit.passage.id for hit in reranked(hits, copied, 1.0)] == ["0", "1", "2"]
    surer = [Copied(hits[1].passage, (), math.log(0.1)), Copied(hits[2].passage, (), math.log(0.9))]
    assert [hit.passage.id for hit in reranked(hits, surer, 1.0)] == ["1", "0", "2"]
