"""The runs of `qa eval`: a question set through the assistant, through several systems, or a SQuAD-format file."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eval.baselines import BestSentence, Naive, NearestSentence
from eval.question_set import located, read_question_set
from eval.report import SCHEMA, digest_of, digests, figures_of, make_report
from eval.run import run, texts_of
from eval.squad import read_squad, read_wording, sampled
from eval.summary import set_figures
from eval.systems import Pipeline, System
from eval.types import Question, Row
from eval.variants import VARIANTS, SquadRun, outcomes
from index.build import Progress
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.settings import Settings

Bar = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Opens a progress bar for so many questions; what it yields is called after each."""
BASELINES = (BestSentence, NearestSentence, Naive)


def questions_for(assistant: Assistant, file: Path | None, split: str) -> tuple[Question, ...]:
    """The questions of a set, their evidence checked against the assistant's articles; `QuestionsError` for none."""
    texts = texts_of(assistant)
    questions = read_question_set(file, split)
    if file is None and any(each.file not in texts for question in questions for each in question.evidence):
        found = f"{assistant.settings.corpus} holds other articles than the project's own questions are about"
        raise QuestionsError(found, "a set of questions on them", "write one with qa eval new, then --questions FILE")
    questions = located(questions, texts)
    if not questions:
        raise QuestionsError(f"no question of split '{split}'", "dev, test, or no --split", "choose another")
    return questions


def evaluate(
    system: System, assistant: Assistant, questions: Sequence[Question], bar: Bar
) -> tuple[list[Row], dict[str, Any]]:
    """The rows and the report of a system that answers from the assistant's index."""
    system.prepare()
    began = time.monotonic()
    with bar(len(questions)) as advance:
        rows = run(system, questions, texts_of(assistant), advance)
    return rows, make_report(system.name, rows, assistant, time.monotonic() - began, _now())


def compare_systems(assistant: Assistant, questions: Sequence[Question], bar: Bar) -> dict[str, Any]:
    """The same questions through the assistant and through the baselines: figures side by side."""
    systems: list[System] = [Pipeline(assistant), *(made(assistant) for made in BASELINES)]
    texts = texts_of(assistant)
    measured = {}
    with bar(len(systems) * len(questions)) as advance:
        for system in systems:
            system.prepare()
            rows = run(system, questions, texts, advance)
            measured[system.name] = figures_of(rows) | {"outcomes": outcomes(rows)}
    return _head(assistant, questions) | {"systems": measured}


def evaluate_squad(
    settings: Settings,
    files: dict[str, Path],
    most: int | None,
    progress: Progress,
    bar: Bar,
) -> dict[str, Any]:
    """A SQuAD-format file asked in every way of `VARIANTS`, with ids and figures and no text of it.

    `files` are the questions' (`squad`), and where wanted that of `distractors` and that of questions in `english`. The
    AUROC of an unanswerable variant is against the same questions with their answers there.
    """
    given = read_squad(files["squad"], files.get("distractors"))
    questions = sampled(given.questions, most)
    wording = read_wording(files["english"], questions) if "english" in files else {}
    variants = {name: variant for name, variant in VARIANTS.items() if wording or not variant.in_english}
    measured: dict[str, dict[str, Any]] = {}
    answered: list[Row] = []
    with TemporaryDirectory(prefix="consta-squad-") as folder:
        asked = SquadRun(given, settings, Path(folder), progress)
        asked.prepare()
        with bar(len(variants) * len(questions)) as advance:
            for name, variant in variants.items():
                rows = asked.rows(variant, questions, wording, advance)
                measured[name] = figures_of(rows) | {"outcomes": outcomes(rows)}
                if variant.unanswerable:
                    measured[name]["figures"]["auroc"] = set_figures([*answered, *rows])["auroc"]
                else:
                    answered = answered or rows
        head = _head(asked.assistant, questions)
    return head | {
        "files": {role: digest_of([path]) for role, path in files.items()},
        "paragraphs": len(given.paragraphs),
        "variants": measured,
    }


def _head(assistant: Assistant, questions: Sequence[Question]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "made": _now().isoformat(timespec="seconds"),
        "digests": digests(assistant, questions),
        "ids": [question.id for question in questions],
    }


def _now() -> datetime:
    return datetime.now(UTC)
