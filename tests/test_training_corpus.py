"""The command of the reading corpus: drafts are looked at, added without faults only, split, and read a second time."""

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qa.training.corpus import app, split
from qa.training.passages import Passage, read_passages

WORDS = "La regidora abrió la posta y los vecinos llegaron temprano con bancos, termos y mantas de lana gruesa. "
TEXT = f"{WORDS * 4}Ruth Quispe pagó veinte soles por la llave nueva, según el acta que leyó el secretario."
GOOD = f"@ health-01 | brief | Perú | La posta\n{TEXT}\n\nwho | ¿Quién pagó la llave? | Who paid? | Ruth Quispe\n"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout


def draft(folder: Path, text: str) -> Path:
    path = folder / "draft.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_draft_is_looked_at(tmp_path: Path) -> None:
    status, said = run("look", draft(tmp_path, GOOD))
    assert status == 0
    assert "| passages | 1 |" in said and said.endswith("0 faults\n")
    assert "out of balance: of kind why: 0 %, wanted 5 to 16 %" in said


def test_faults_of_a_draft_are_told(tmp_path: Path) -> None:
    status, said = run(
        "look", draft(tmp_path, GOOD.replace("| Ruth Quispe", "| Nadie") + "how | ¿Cómo? | How? | la llave\n")
    )
    assert status == 1
    assert "«Nadie» stands 0 times" in said and "1 faults" in said


def test_what_is_added_can_be_read_and_replaced(tmp_path: Path) -> None:
    assert run("add", draft(tmp_path, GOOD), "--folder", tmp_path) == (0, "1 passages added or replaced, 1 in all\n")
    run("add", draft(tmp_path, GOOD.replace("La posta\n", "Otro título\n")), "--folder", tmp_path)
    (passage,) = read_passages([tmp_path / "train.jsonl", tmp_path / "validation.jsonl"])
    assert (passage.title, passage.questions[0].answers[0].text) == ("Otro título", "Ruth Quispe")


def test_nothing_is_added_with_a_fault(tmp_path: Path) -> None:
    other = GOOD.replace("health-01", "health-02")  # the same text again
    status, said = run("add", draft(tmp_path, GOOD + "\n" + other), "--folder", tmp_path)
    assert status == 1 and "nothing written" in said and "as in health-01" in said
    assert not (tmp_path / "train.jsonl").exists()


def test_the_committed_corpus_is_checked_and_sampled() -> None:
    assert run("check") == (0, "0 faults\n")
    _, said = run("sheet", "--count", "5", "--seed", "7")
    assert sum(" | ¿" in line or ("-" in line.partition(" | ")[0] and " | " in line) for line in said.splitlines()) == 5


def test_a_passage_is_given_back_as_a_draft_that_adds_nothing_new(tmp_path: Path) -> None:
    passage = read_passages()[0]
    status, said = run("draft", passage.id)
    assert status == 0 and said.startswith(f"@ {passage.id} | {passage.style} | ")
    run("add", draft(tmp_path, said), "--folder", tmp_path)
    assert read_passages([tmp_path / "train.jsonl"]) == (passage,)
    assert run("draft", "health-999")[0] == 2


def test_a_readers_answers_are_compared(tmp_path: Path) -> None:
    answers = tmp_path / "answers.txt"
    question = next(q for passage in read_passages() for q in passage.questions if q.is_near_miss)
    answers.write_text(f"{question.id} | no consta\n", encoding="utf-8")
    status, said = run("agree", answers)
    assert status == 0 and "| F1, all 1 questions | 1.00 [1.00, 1.00] |" in said
    answers.write_text(f"{question.id} | algo\n", encoding="utf-8")
    assert f"{question.id} 0.00 {question.question} no consta / algo" in run("agree", answers)[1]


def test_a_passage_keeps_its_part_when_others_come() -> None:
    passages = [Passage(f"a-{n}", "a", "", "", "", "") for n in range(60)]
    training, validation = ({it.id for it in part} for part in split(passages[:20]))
    assert {it.id for it in split(passages)[1]} & training, "these would change their part"
    later_training, later_validation = ({it.id for it in part} for part in split(passages, training, validation))
    assert training < later_training and validation < later_validation
    assert len(later_validation) == 9


def test_each_topic_is_split_alike_in_any_order() -> None:
    passages = [Passage(f"{topic}-{n}", topic, "", "", "", "") for topic in ("a", "b") for n in range(20)]
    training, validation = split(passages)
    assert Counter(it.topic for it in validation) == {"a": 3, "b": 3}
    assert sorted(it.id for it in training + validation) == sorted(it.id for it in passages)
    assert split(reversed(passages))[1] != [] and {it.id for it in split(reversed(passages))[1]} == {
        it.id for it in validation
    }


@pytest.mark.parametrize("topic_size", [1, 3])
def test_a_small_topic_is_all_for_training(topic_size: int) -> None:
    training, validation = split([Passage(f"a-{n}", "a", "", "", "", "") for n in range(topic_size)])
    assert len(training) == topic_size and not validation
