"""Counts well-spelled questions that the spelling step takes for mistyped ones, and prints what it makes of them.

    python -m eval.spelling xquad_es_dev.json

Twice: over the articles of the default corpus, which are about something else, so that nearly every change is a fault;
and over the questions' own paragraphs, where a name that both spell differently may rightly be changed.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from eval.squad import read_squad
from index.corpus import load
from index.spelling import Spelling
from qa.settings import resolve


def changes(spelling: Spelling, questions: Sequence[str]) -> list[tuple[str, str]]:
    """What was typed and what it was taken for, word by word, of the questions that were taken for mistyped."""
    found = []
    for question in questions:
        mended = spelling.mend(question)
        if mended.corrected:
            pairs = zip(question.split(), mended.question.split(), strict=True)
            found += [(typed, meant) for typed, meant in pairs if typed != meant]
    return found


def main(file: Annotated[Path, typer.Argument(help="Questions in SQuAD format.")]) -> None:
    """Print the changes over both corpora."""
    given = read_squad(file)
    questions = [each.question for each in given.questions]
    corpora: dict[str, Iterable[str]] = {
        "other articles": (document.text for document in load(resolve({}).corpus).documents),
        "their own paragraphs": (paragraph.text for paragraph in given.paragraphs.values()),
    }
    for name, texts in corpora.items():
        found = changes(Spelling(texts), questions)
        print(f"{name}: {len(found)} words of {len(questions)} questions changed")
        print("".join(f"    {typed} -> {meant}\n" for typed, meant in found), end="")


if __name__ == "__main__":
    typer.run(main)
