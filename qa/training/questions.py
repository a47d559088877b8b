"""Further questions on the paragraphs of the public training file, written for this project.

    python -m qa.training.questions --squad squad_es_train.json

checks them. `data/squad_questions.jsonl` has one paragraph a line: the first twelve hexadecimal digits of the SHA-256
of its text (the text itself is not ours and not here), and its questions in Spanish and English with the answer's words
and place, or none where the paragraph does not answer.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from index.spanish import fold
from qa.training.passages import DATA, Span

QUESTIONS = DATA / "squad_questions.jsonl"
_MOST_ANSWER_WORDS = 25


@dataclass(frozen=True, slots=True)
class Written:
    """A question in both languages, and its answer in the paragraph, None where there is none."""

    question: str
    question_en: str
    answer: Span | None


def key_of(text: str) -> str:
    """What a paragraph is known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_questions(path: Path = QUESTIONS) -> dict[str, list[Written]]:
    """The questions by their paragraph's key."""
    lines = (json.loads(line) for line in path.read_text("utf-8").split("\n") if line)
    return {line["paragraph"]: [_written(item) for item in line["qas"]] for line in lines}


def _written(item: Mapping[str, str | int]) -> Written:
    words, start = str(item.get("answer", "")), int(item.get("answer_start", 0))
    return Written(str(item["question"]), str(item["question_en"]), Span(words, start) if words else None)


def write_questions(path: Path, questions: Mapping[str, Sequence[Written]]) -> None:
    """Writes one paragraph a line, replacing the file."""
    path.write_text("".join(_line(key, asked) for key, asked in questions.items()), "utf-8")


def _line(key: str, asked: Sequence[Written]) -> str:
    items = [
        {"question": each.question, "question_en": each.question_en}
        | ({"answer": each.answer.text, "answer_start": each.answer.start} if each.answer else {})
        for each in asked
    ]
    return json.dumps({"paragraph": key, "qas": items}, ensure_ascii=False) + "\n"


def faults(questions: Mapping[str, Sequence[Written]], texts: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    """What is wrong, one line each; `texts` has by key each paragraph's text and the questions of the public file."""
    found = [f"{key}: no such paragraph" for key in questions if key not in texts]
    for key, (text, public) in texts.items():
        asked = {_bare(question) for question in public}
        for each in questions.get(key, ()):
            found += [f"{key}: {each.question}: {fault}" for fault in _faults(each, text, asked)]
            asked.add(_bare(each.question))
    return found


def _faults(each: Written, text: str, asked: set[str]) -> list[str]:
    found = []
    if not re.fullmatch(r"[^¿]*¿[^¿?]+\?", each.question):
        found.append("no question between ¿ and ?")
    if not re.fullmatch(r"[^¿?]+\?", each.question_en):
        found.append("no English question")
    if _bare(each.question) in asked:
        found.append("asked already")
    if each.answer is not None:
        found += _answer_faults(each.answer, text)
    return found


def _answer_faults(answer: Span, text: str) -> list[str]:
    if text[answer.start : answer.end] != answer.text:
        return ["the answer does not stand there"]
    found = []
    before, after = text[: answer.start][-1:], text[answer.end :][:1]
    if (before.isalnum() and answer.text[0].isalnum()) or (after.isalnum() and answer.text[-1].isalnum()):
        found.append("the answer cuts a word")
    if answer.text != answer.text.strip(" \n,;:"):
        found.append("the answer begins or ends with what is no part of it")
    if len(answer.text.split()) > _MOST_ANSWER_WORDS:
        found.append("a long answer")
    return found


def _bare(question: str) -> str:
    return re.sub(r"\W+", " ", fold(question)).strip()


def paragraphs_of(squad: Path) -> dict[str, tuple[str, list[str]]]:
    """Of a SQuAD file by key each paragraph's text and its questions."""
    articles = json.loads(squad.read_text("utf-8"))["data"]
    return {
        key_of(paragraph["context"]): (paragraph["context"], [item["question"] for item in paragraph["qas"]])
        for article in articles
        for paragraph in article["paragraphs"]
    }


def main(squad: Annotated[Path, typer.Option(help="The public training file.")]) -> None:
    """Check the questions against the paragraphs that they are about."""
    questions = read_questions()
    found = faults(questions, paragraphs_of(squad))
    for fault in found:
        typer.echo(fault)
    total = sum(map(len, questions.values()))
    unanswered = sum(each.answer is None for asked in questions.values() for each in asked)
    typer.echo(f"{len(questions)} paragraphs, {total} questions, {unanswered} without an answer, {len(found)} faults")
    raise typer.Exit(bool(found))


if __name__ == "__main__":
    typer.run(main)
