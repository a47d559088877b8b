"""The reading corpus as it is committed: sound, balanced, as large as it is said to be, and read a second time."""

import re
from functools import cache

import pytest

from eval.question_set import read_question_set
from index.spanish import fold
from qa.training.card import CARD, filled
from qa.training.corpus import SECOND_READER, readings_of, split
from qa.training.faults import ACCEPTED_WORDS, accepted_words, duplicates, faults_of, has_dictionary, misspellings
from qa.training.figures import asked_of, imbalances
from qa.training.passages import KINDS, TRAIN, VALIDATION, Passage, read_passages, to_line
from qa.training.second_reader import NO_ANSWER, sheet

NOT_TOLD = re.compile(
    r"\b(putin|kim|kremlin|pyongyang|norcorean\w+|corea\w*|rus[ao]s?|rusia|ucrania\w*|shoigu|lavrov)\b"
)


@cache
def corpus() -> tuple[Passage, ...]:
    return read_passages()


def test_it_is_large_enough() -> None:
    questions = [question for passage in corpus() for question in passage.questions]
    assert len(corpus()) >= 400
    assert sum(not question.is_near_miss for question in questions) >= 3_000
    assert sum(question.is_near_miss for question in questions) >= 800


def test_no_passage_or_question_has_a_fault() -> None:
    assert not [fault for passage in corpus() for fault in faults_of(passage)]


def test_nothing_is_there_twice() -> None:
    assert not list(duplicates(corpus()))


@pytest.mark.skipif(not has_dictionary(), reason="needs hunspell with its Spanish dictionary")
def test_spelling() -> None:
    assert not list(misspellings(corpus(), accepted_words()))


def test_accepted_words_are_sorted_and_used() -> None:
    words = ACCEPTED_WORDS.read_text("utf-8").split()
    assert words == sorted(set(words))
    texts = {word for it in corpus() for word in re.findall(r"\w+", f"{it.title} {it.text}")}
    asked = {word for it in corpus() for q in it.questions for word in re.findall(r"\w+", q.question)}
    assert not [word for word in words if word not in texts | asked]


def test_it_is_balanced() -> None:
    assert not imbalances(corpus())


def test_a_third_of_the_questions_share_hardly_a_word_with_their_passage() -> None:
    answerable = [it for it in asked_of(corpus()) if not it.question.is_near_miss]
    assert sum(it.is_far for it in answerable) >= len(answerable) / 3


def test_every_kind_is_asked_for_in_every_topic() -> None:
    for topic in {passage.topic for passage in corpus()}:
        kinds = {question.kind for it in corpus() if it.topic == topic for question in it.questions}
        assert kinds == set(KINDS), topic


def test_training_and_validation_are_split_by_passage() -> None:
    training, validation = read_passages([TRAIN]), read_passages([VALIDATION])
    assert not {it.id for it in training} & {it.id for it in validation}
    assert not {it.text for it in training} & {it.text for it in validation}
    assert len(validation) / len(corpus()) == pytest.approx(0.15, abs=0.01)
    assert ({it.id for it in training}, {it.id for it in validation}) == tuple(
        {it.id for it in part} for part in split(corpus())
    )


def test_a_line_is_written_as_it_was_read() -> None:
    lines = [line for path in (TRAIN, VALIDATION) for line in path.read_text("utf-8").split("\n") if line]
    assert [to_line(passage) for passage in corpus()] == lines


def test_nothing_of_the_five_articles_is_in_it() -> None:
    """Neither their events nor the questions that measure the program."""
    assert not [it.id for it in corpus() if NOT_TOLD.search(fold(it.text))]
    measured = {fold(question.question) for question in read_question_set(None)}
    assert not [q.id for it in corpus() for q in it.questions if fold(q.question) in measured]


def test_the_card_shows_the_figures_of_the_files() -> None:
    text = CARD.read_text("utf-8")
    assert filled(text, corpus(), readings_of(SECOND_READER)) == text
    assert f"| passages | {len(corpus())} |" in text


def test_a_second_reader_agrees() -> None:
    """The reader answered the sample that the card names, and agrees with 85 % of the words or more."""
    read = readings_of(SECOND_READER)
    asked = {
        line.partition(" | ")[0] for line in sheet(corpus(), 150, 1).splitlines() if re.match(r"\S+-\d+-\d+ \| ", line)
    }
    assert {it.question.id for it in read} == asked and len(asked) == 150
    assert sum(it.agreement for it in read) / len(read) >= 0.85
    assert any(it.said != NO_ANSWER and it.agreement < 1 for it in read), "a reader who saw the answers?"
