"""Fits how runs are weighed and how sure an answer is, and writes `qa/ranker.json`.

    python -m qa.training.fit_reading --squad xquad_es_dev.json --distractors squad_es_train.json \\
        --english xquad_en_questions_dev.json

On questions that the models were not trained on: the first half of a SQuAD file's articles, by title (the other half is
for reporting), asked over all paragraphs, without those that answer, and over other articles alone; the validation part
of the reading corpus; the `dev` questions of the evaluation.
"""

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from eval.metrics import auroc, holds_fact, token_f1
from eval.run import run, texts_of
from eval.squad import SquadSet, read_squad, read_wording, sampled
from eval.suite import questions_for
from eval.systems import Pipeline
from eval.types import Question
from eval.variants import VARIANTS, SquadRun
from index.types import Hit
from qa import confidence
from qa.answer import Assistant
from qa.choosing import Choice, choices
from qa.copying import Copied
from qa.expectation import kind_of
from qa.model import Model
from qa.ranking import Candidate, Ranker, Terms, Wanted, candidates, wanted_of
from qa.reader import NOTHING, Reading, copy_answers
from qa.settings import Settings
from qa.training.fit_ranker import fit_logistic
from qa.types import Span

Floats = NDArray[np.float64]
RANKER = Path(__file__).parent.parent / "ranker.json"
_ALTERNATIVES = 8


@dataclass(frozen=True, slots=True)
class Observation:
    """What the reader sees of a question, before anything is weighed."""

    setting: str
    question: Question
    wanted: Wanted
    asked: str
    ranked: tuple[Candidate, ...]
    copied: tuple[Copied, ...]

    def choices(self, run_weight: float, sentence_weight: float) -> list[Choice]:
        """The runs as these weights order them."""
        return choices(self.copied, self.ranked, run_weight, sentence_weight)

    def right(self, choice: Choice) -> bool:
        """Whether the run answers: most words in common with gold, or all of it."""
        gold = self.question.answers
        return self.question.answerable and (token_f1(gold, choice.text) >= 0.5 or holds_fact(gold, choice.text))


class Observer:
    """In the place of a reader: remembers what it was given, and answers nothing."""

    def __init__(self) -> None:
        self.seen: list[tuple[Wanted, str, list[Candidate], list[Copied]]] = []

    def __call__(
        self, model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span]
    ) -> Reading:
        """See `qa.reader.Reader`."""
        ranked = ranker.order(candidates(question, hits, terms))
        if ranked:
            copied, _ = copy_answers(model, question, hits)
            self.seen.append((wanted_of(question, terms), kind_of(question), ranked, copied))
        return NOTHING

    def take(self, setting: str, question: Question) -> list[Observation]:
        """What was seen since the last time: nothing where a question was refused before it was read."""
        taken = [
            Observation(setting, question, wanted, asked, tuple(ranked), tuple(copied))
            for wanted, asked, ranked, copied in self.seen[-1:]
        ]
        self.seen.clear()
        return taken


def observe_squad(given: SquadSet, questions: Sequence[Question], wording: dict[str, str]) -> list[Observation]:
    """A SQuAD file's questions in every way but with the right paragraph given."""
    observer = Observer()
    found: list[Observation] = []
    with TemporaryDirectory(prefix="consta-fit-") as folder:
        asked = SquadRun(given, Settings(), Path(folder), lambda *_: None, observer)
        asked.prepare()
        for name in ("pipeline", "near_miss", "off_topic", "english"):
            variant = VARIANTS[name]
            waiting = iter(questions)

            def advance(
                name: str = name, waiting: Any = waiting, unanswerable: bool = bool(variant.unanswerable)
            ) -> None:
                question = next(waiting)
                found.extend(observer.take(name, replace(question, answerable=not unanswerable)))

            asked.rows(variant, questions, wording, advance)
    return found


def observe_set(settings: Settings, setting: str, split: str) -> list[Observation]:
    """The evaluation's own questions of a split over its articles."""
    observer = Observer()
    assistant = Assistant(settings, reading=observer)
    questions = [each for each in questions_for(assistant, None, split) if each.is_searched]
    waiting = iter(questions)
    found: list[Observation] = []
    run(
        Pipeline(assistant), questions, texts_of(assistant), lambda: found.extend(observer.take(setting, next(waiting)))
    )
    return found


def fit_choice(observations: Sequence[Observation]) -> tuple[float, float]:
    """Weights of a run's log-probability and of its sentence's score that make right runs likely among all."""
    from scipy.optimize import minimize

    data: list[tuple[Floats, NDArray[np.bool_]]] = []
    for each in observations:
        found = each.choices(1.0, 0.0)[: 4 * _ALTERNATIVES]
        right = np.array([each.right(choice) for choice in found], dtype=bool)
        if right.any() and not right.all():
            data.append((np.array([(choice.logprob, choice.sentence.score) for choice in found]), right))

    def loss(weights: Floats) -> float:
        total = 0.0
        for rows, right in data:
            scores = rows @ weights
            total -= float(np.logaddexp.reduce(scores[right]) - np.logaddexp.reduce(scores))
        return total / len(data)

    run_weight, sentence_weight = minimize(loss, np.array([1.0, 0.3]), method="Nelder-Mead").x
    return float(run_weight), float(sentence_weight)


def confidence_rows(
    observations: Sequence[Observation], run_weight: float, sentence_weight: float
) -> tuple[Floats, Floats]:
    """Confidence features (observations, features), and whether the best run is right (observations,)."""
    rows, labels = [], []
    for each in observations:
        found = each.choices(run_weight, sentence_weight)
        if found:
            rows.append(confidence.run_features(each.wanted, each.asked, found, each.copied))
            labels.append(float(each.right(found[0])))
    return np.array(rows), np.array(labels)


def main(
    squad: Annotated[Path, typer.Option(help="SQuAD file; its first half by title is used.")],
    distractors: Annotated[Path, typer.Option(help="SQuAD file whose paragraphs are searched too.")],
    english: Annotated[Path, typer.Option(help="The questions in English, by id.")],
    most: Annotated[int, typer.Option(help="Questions of the SQuAD file at most.")] = 160,
    observations: Annotated[Path | None, typer.Option(help="Where observations are kept for another fit.")] = None,
    write: Annotated[bool, typer.Option(help="Write ranker.json.")] = True,
) -> None:
    """Fit the weights of runs and the confidence, print their figures, write ranker.json."""
    if observations is not None and observations.is_file():
        seen: list[Observation] = pickle.loads(observations.read_bytes())
    else:
        given = read_squad(squad, distractors)
        asked = {given.paragraphs[file].article for file in given.files.values()}
        first = set(sorted(asked)[: len(asked) // 2])
        questions = [each for each in given.questions if given.paragraphs[given.files[each.id]].article in first]
        chosen = sampled(questions, most)
        seen = observe_squad(given, chosen, read_wording(english, chosen))
        seen += observe_set(Settings(), "dev", "dev")
        if observations is not None:
            observations.write_bytes(pickle.dumps(seen))
    values: dict[str, Any] = json.loads(RANKER.read_text("utf-8"))
    run_weight, sentence_weight = fit_choice(seen)
    rows, labels = confidence_rows(seen, run_weight, sentence_weight)
    weights = fit_logistic(rows, labels)
    values |= {
        "run_weight": round(run_weight, 3),
        "sentence_weight": round(sentence_weight, 3),
        "run_confidence_weights": dict(zip(confidence.RUN_FEATURES, weights.round(3).tolist(), strict=True)),
    }
    report(seen, values)
    if write:
        RANKER.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def report(seen: Sequence[Observation], values: dict[str, Any]) -> None:
    """Prints by setting how often the best run is right and how well the confidence tells."""
    weights = np.array(list(values["run_confidence_weights"].values()))
    typer.echo(f"run weight {values['run_weight']}, sentence weight {values['sentence_weight']}")
    for setting in sorted({each.setting for each in seen}):
        part = [each for each in seen if each.setting == setting]
        rows, labels = confidence_rows(part, values["run_weight"], values["sentence_weight"])
        told = auroc(rows @ weights, labels > 0)
        typer.echo(f"{setting}: {len(part)} questions, best run right {labels.mean():.3f}, AUROC {told}")


if __name__ == "__main__":
    typer.run(main)
