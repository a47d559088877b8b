"""Questions on public paragraphs: read as written, and every fault that could be in them is found."""

import json
from pathlib import Path

import pytest

from qa.training.examples import read_squad
from qa.training.passages import Span
from qa.training.questions import QUESTIONS, Written, faults, key_of, paragraphs_of, read_questions, write_questions

TEXT = "El puente lo firmó Ana Soto en 1998, y el ayuntamiento lo abrió en mayo."
KEY = key_of(TEXT)
PUBLIC = "¿Quién firmó el puente?"
GOOD = Written("¿Qué mes se abrió el paso?", "In which month was it opened?", Span("mayo", TEXT.index("mayo")))
NONE = Written("¿Cuánto costó el puente?", "How much did the bridge cost?", None)


def squad_file(folder: Path) -> Path:
    answer = {"text": "Ana Soto", "answer_start": TEXT.index("Ana Soto")}
    paragraph = {"context": TEXT, "qas": [{"id": "1", "question": PUBLIC, "answers": [answer]}]}
    path = folder / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": [paragraph]}]}), "utf-8")
    return path


def faults_of(*asked: Written, key: str = KEY) -> list[str]:
    return faults({key: asked}, {KEY: (TEXT, [PUBLIC])})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.jsonl", {KEY: [GOOD, NONE]})
    assert read_questions(tmp_path / "q.jsonl") == {KEY: [GOOD, NONE]}


def test_good_questions_have_no_faults() -> None:
    assert faults_of(GOOD, NONE) == []


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (Written("Qué mes se abrió", GOOD.question_en, GOOD.answer), "no question"),
        (Written("¿Qué mes? ¿Y el año?", GOOD.question_en, GOOD.answer), "no question"),
        (Written(GOOD.question, "The month", GOOD.answer), "no English question"),
        (Written("¿quien firmo el puente?", "Who signed it?", GOOD.answer), "asked already"),
        (Written(GOOD.question, GOOD.question_en, Span("mayo", 3)), "does not stand there"),
        (Written(GOOD.question, GOOD.question_en, Span("may", TEXT.index("mayo"))), "cuts a word"),
        (Written(GOOD.question, GOOD.question_en, Span("1998,", TEXT.index("1998"))), "no part of it"),
        (Written(GOOD.question, GOOD.question_en, Span("firmó", TEXT.index("irmó"))), "does not stand there"),
    ],
)
def test_a_fault_is_found(bad: Written, fault: str) -> None:
    (found,) = faults_of(bad)
    assert fault in found


def test_a_long_answer_and_a_question_asked_twice_are_found() -> None:
    text = " ".join(["palabra"] * 40)
    long = Written("¿Qué dice?", "What does it say?", Span(text[:239], 0))
    found = faults({key_of(text): [long, long]}, {key_of(text): (text, [])})
    assert [fault.rpartition(": ")[2] for fault in found] == ["a long answer", "asked already", "a long answer"]


def test_a_paragraph_that_nobody_knows_is_found() -> None:
    assert faults_of(GOOD, key="0" * 12) == [f"{'0' * 12}: no such paragraph"]


def test_they_come_before_the_public_ones_with_their_english_forms_aligned(tmp_path: Path) -> None:
    (reading,) = read_squad(squad_file(tmp_path), {KEY: [GOOD, NONE]})
    assert [each.question for each in reading.asked] == [GOOD.question, NONE.question, PUBLIC]
    assert [each.question for each in reading.english] == [GOOD.question_en, NONE.question_en]
    for spanish, english in zip(reading.asked, reading.english, strict=False):
        assert (spanish.answer, spanish.words) == (english.answer, english.words)
    first = reading.asked[0].answer
    assert first is not None
    assert TEXT[slice(*first)] == "mayo"


def test_the_paragraphs_of_a_file_are_known_by_their_texts(tmp_path: Path) -> None:
    assert paragraphs_of(squad_file(tmp_path)) == {KEY: (TEXT, [PUBLIC])}


def test_those_of_the_project_are_whole() -> None:
    """Against the paragraphs they can only be checked where these are; their form is the same everywhere."""
    questions = read_questions()
    assert len(questions) > 1_200
    for key, asked in questions.items():
        assert len(key) == 12
        assert 8 <= len(asked) <= 12
        assert sum(each.answer is None for each in asked) >= 1
        assert all(each.question.endswith("?") and each.question_en.endswith("?") for each in asked)
    assert QUESTIONS.stat().st_size < 6_000_000
