"""What a second reader is shown, and how the answers that come back are compared."""

import pytest

from qa.training.passages import Passage, Question, Span
from qa.training.second_reader import answers_of, readings, sheet, told

TEXT = "Ruth Quispe abrió la posta el martes. Hay camas y mantas."
WHO = Question("t-01-1", "who", "¿Quién abrió la posta?", "Who opened it?", (Span("Ruth Quispe", 0),))
LIST = Question("t-01-2", "list", "¿Qué hay?", "What is there?", (Span("camas", 42), Span("mantas", 50)))
YES = Question("t-01-3", "yes_no", "¿Abrió?", "Did it open?", (Span(TEXT[:37], 0),), None, "yes")
NO = Question("t-01-4", "yes_no", "¿Faltan camas?", "Are beds lacking?", (Span(TEXT[38:], 38),), None, "no")
NEAR = Question("t-01-5", "how_many", "¿Cuánto costó?", "How much was it?", (), Span(TEXT[:37], 0))
PASSAGE = Passage("t-01", "t", "brief", "Perú", "La posta", TEXT, (WHO, LIST, YES, NO, NEAR))


@pytest.mark.parametrize(
    ("identity", "said", "agreement"),
    [
        ("t-01-1", "Ruth Quispe", 1.0),
        ("t-01-1", "ruth quispe.", 1.0),
        ("t-01-1", "la alcaldesa Ruth Quispe", 0.8),  # 2 words alike of 3 and of 2: 2 * (2/3 * 1) / (2/3 + 1)
        ("t-01-1", "Ruth", 2 / 3),
        ("t-01-1", "el martes", 0.0),
        ("t-01-1", "no consta", 0.0),
        ("t-01-2", "camas ;; mantas", 1.0),
        ("t-01-2", "camas", 2 / 3),
        ("t-01-3", "sí: el martes", 1.0),
        ("t-01-3", "si: el martes", 1.0),
        ("t-01-3", "no: el martes", 0.0),
        ("t-01-3", "sí: camas", 0.0),
        ("t-01-3", "no consta", 0.0),
        ("t-01-4", "no: Hay camas", 1.0),
        ("t-01-5", "no consta", 1.0),
        ("t-01-5", "No consta.", 1.0),
        ("t-01-5", "el martes", 0.0),
    ],
)
def test_agreement_of_one_answer(identity: str, said: str, agreement: float) -> None:
    (reading,) = readings([PASSAGE], {identity: said})
    assert reading.agreement == pytest.approx(agreement)
    refused, impossible = "consta" in said.lower(), identity == "t-01-5"
    assert reading.agrees_on_answerability == (refused == impossible)


def test_what_the_corpus_has_agrees_with_itself() -> None:
    own = {question.id: told(question) for question in PASSAGE.questions}
    assert [reading.agreement for reading in readings([PASSAGE], own)] == [1.0] * 5
    assert own["t-01-4"] == "no: Hay camas y mantas." and own["t-01-2"] == "camas ;; mantas"


def test_a_sheet_shows_questions_and_nothing_that_betrays_the_answers() -> None:
    shown = sheet([PASSAGE], 5, seed=1)
    assert shown.startswith(f"@ La posta\n{TEXT}\n\nt-01-")
    assert all(f"{question.id} | {question.question}\n" in shown for question in PASSAGE.questions)
    assert "who" not in shown and "Who" not in shown
    assert len(shown.splitlines()) == 3 + 5


def test_a_sheet_is_a_sample_that_depends_on_the_seed() -> None:
    samples = {sheet([PASSAGE], 2, seed) for seed in range(20)}
    assert sheet([PASSAGE], 2, 3) == sheet([PASSAGE], 2, 3)
    assert len(samples) > 3
    assert all(sample.count("t-01-") == 2 for sample in samples)


def test_a_passage_without_a_sampled_question_is_left_out() -> None:
    other = Passage("u-01", "u", "brief", "Perú", "Otra", "Nada.", ())
    assert "Otra" not in sheet([other, PASSAGE], 5, 1)


def test_answers_are_read_line_by_line() -> None:
    assert answers_of("a-1 | uno\n\n b-2 | dos | tres\n") == {"a-1": "uno", "b-2": "dos | tres"}
    for wrong in ("a-1 uno", "a-1 | ", "a-1 | uno\na-1 | dos"):
        with pytest.raises(ValueError, match="answer"):
            answers_of(wrong)


def test_an_answer_to_an_unknown_question_is_an_error() -> None:
    with pytest.raises(ValueError, match="x-9"):
        readings([PASSAGE], {"x-9": "uno"})
