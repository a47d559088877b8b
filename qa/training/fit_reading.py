"""Fits how runs are weighed and how sure an answer is, and writes `qa/ranker.json`.

    python -m qa.training.fit_reading --squad xquad_es_dev.json --distractors squad_es_train.json \\
        --english xquad_en_questions_dev.json

On questions that the models were not trained on: the first half of a SQuAD file's articles, by title (the other half is
for reporting), asked over all paragraphs, without those that answer, and over other articles alone; the validation part
of the reading corpus; the `dev` questions of the evaluation.
"""

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from eval.metrics import auroc, holds_fact, token_f1, touches
from eval.run import run, texts_of
from eval.squad import SquadSet, read_squad, read_wording, sampled
from eval.suite import questions_for
from eval.systems import Pipeline
from eval.types import Evidence, Question
from eval.variants import VARIANTS, SquadRun
from index.types import Hit
from qa import confidence
from qa.answer import ADAPTER, Assistant
from qa.choosing import Choice, choices, reranked
from qa.conversation import divide
from qa.copying import Copied
from qa.expectation import kind_of
from qa.model import Model
from qa.ranking import Candidate, Ranker, Terms, Wanted, candidates, load_ranker, wanted_of
from qa.reader import NOTHING, Reading, copy_answers, parts_told, worth_reading
from qa.settings import Settings
from qa.training.fit_ranker import fit_logistic
from qa.training.passages import VALIDATION, WIRE_VALIDATION, Passage, read_passages
from qa.training.passages import Question as CorpusQuestion
from qa.types import Span

Floats = NDArray[np.float64]
RANKER = Path(__file__).parent.parent / "ranker.json"
_RERANK_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_NEWS = ("corpus", "dev")
"""The settings that are like use: news in a folder, near misses among the questions."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the reader sees of a question, before anything is weighed.

    `holding` says of each of the hits whether it holds evidence of the answer.
    """

    setting: str
    question: Question
    wanted: Wanted
    asked: str
    ranked: tuple[Candidate, ...]
    copied: tuple[Copied, ...]
    hits: tuple[Hit, ...] = ()
    holding: tuple[bool, ...] = ()

    def choices(self, run_weight: float, sentence_weight: float) -> list[Choice]:
        """The runs as these weights order them."""
        return choices(self.copied, self.ranked, run_weight, sentence_weight)

    def right(self, text: str) -> bool:
        """Whether a text answers: most words in common with gold, or all of it."""
        gold = self.question.answers
        return self.question.answerable and (token_f1(gold, text) >= 0.5 or holds_fact(gold, text))

    def shown(self, chosen: Sequence[Choice], ranker: Ranker) -> str:
        """What would be shown of runs whose best comes first."""
        return " ".join(
            part.text for part in parts_told(self.question.question, chosen, ranker.run_share, ranker.next_share)
        )


class Observer:
    """In the place of a reader: remembers what it was given, and answers nothing."""

    def __init__(self) -> None:
        self.seen: list[tuple[Wanted, str, list[Candidate], list[Copied], Sequence[Hit]]] = []

    def __call__(
        self, model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span]
    ) -> Reading:
        """See `qa.reader.Reader`."""
        ranked = ranker.order(candidates(question, hits, terms))
        if ranked:
            copied, _ = copy_answers(model, question, worth_reading(hits, ranked))
            self.seen.append((wanted_of(question, terms), kind_of(question), ranked, copied, hits))
        return NOTHING

    def take(self, setting: str, question: Question, files: Mapping[str, str]) -> list[Observation]:
        """What was seen since the last time: nothing where a question was refused before it was read.

        `files` names the file of each document.
        """
        taken = [
            Observation(
                setting,
                question,
                wanted,
                asked,
                tuple(ranked),
                tuple(copied),
                tuple(hits),
                tuple(
                    touches((files[each.document_id], each.start, each.end), question.evidence)
                    for each in (hit.passage for hit in hits)
                ),
            )
            for wanted, asked, ranked, copied, hits in self.seen[-1:]
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
                found.extend(observer.take(name, replace(question, answerable=not unanswerable), asked.assistant.files))

            asked.rows(variant, questions, wording, advance)
    return found


def observe_set(settings: Settings, setting: str, split: str) -> list[Observation]:
    """The evaluation's own questions of a split over its articles."""
    observer = Observer()
    assistant = Assistant(settings, reading=observer)
    # Of a conversation or of several questions in one line the observer would see parts, and answer none of them.
    whole = [q for q in questions_for(assistant, None, split) if not q.history and len(divide(q.question)) == 1]
    questions = [each for each in whole if each.is_searched or not each.answerable]
    waiting = iter(questions)
    found: list[Observation] = []

    def advance() -> None:
        found.extend(observer.take(setting, next(waiting), assistant.files))

    run(Pipeline(assistant), questions, texts_of(assistant), advance)
    return found


def observe_passages(passages: Sequence[Passage], setting: str, most: int) -> list[Observation]:
    """Questions and near misses of the reading corpus over these passages of it, a file each."""
    observer = Observer()
    found: list[Observation] = []
    asked = [_as_asked(passage, question) for passage in passages for question in passage.questions]
    with TemporaryDirectory(prefix="consta-fit-") as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        for passage in passages:
            (folder / "corpus" / f"{passage.id}.txt").write_bytes(passage.text.encode())
        assistant = Assistant(Settings(corpus=folder / "corpus", index_dir=folder / "index"), reading=observer)
        for question in sampled(asked, most):
            assistant.ask(question.question)
            found += observer.take(setting, question, assistant.files)
    return found


def _as_asked(passage: Passage, question: CorpusQuestion) -> Question:
    """A question of the reading corpus as one of an evaluation: every span is to be in the answer."""
    return Question(
        id=question.id,
        split="dev",
        type=question.kind,
        lang="es",
        question=question.question,
        answerable=not question.is_near_miss,
        answers=tuple((span.text,) for span in question.answers),
        evidence=tuple(Evidence(f"{passage.id}.txt", span.start, span.end, span.text) for span in question.answers),
    )


def fit_choice(observations: Sequence[Observation]) -> tuple[float, float]:
    """Weights of a run's log-probability and of its sentence's score that make right runs likely among all."""
    from scipy.optimize import minimize

    data: list[tuple[Floats, NDArray[np.bool_]]] = []
    for each in observations:
        found = each.choices(1.0, 0.0)
        right = np.array([each.right(choice.text) for choice in found], dtype=bool)
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


def first_right(observations: Sequence[Observation], rerank_weight: float) -> float:
    """Share of the questions with evidence among the hits whose first passage, ranked anew, holds some of it."""
    found = [each for each in observations if any(each.holding)]
    first = [reranked(each.hits, each.copied, rerank_weight)[0].passage.id for each in found]
    right = [{hit.passage.id for hit, holds in zip(each.hits, each.holding, strict=True) if holds} for each in found]
    return float(np.mean([identity in among for identity, among in zip(first, right, strict=True)]))


def fit_reranking(observations: Sequence[Observation]) -> float:
    """The weight of the reader's belief that puts the right passage first most often; the least of equal ones."""
    return max(_RERANK_WEIGHTS, key=lambda weight: (round(first_right(observations, weight), 3), -weight))


@dataclass(frozen=True, slots=True)
class Judged:
    """Observations with a run to show: confidence features (N, features), whether what is shown is right (N,).

    `objected` says where something speaks against it whatever the confidence, `answerable` where there is an answer.
    """

    rows: Floats
    right: NDArray[np.bool_]
    objected: NDArray[np.bool_]
    answerable: NDArray[np.bool_]


def judged(observations: Sequence[Observation], ranker: Ranker) -> Judged:
    """What would be shown of each, and whether it is right; readings without any run are left out."""
    rows, right, objected, answerable = [], [], [], []
    for each in observations:
        found = each.choices(ranker.run_weight, ranker.sentence_weight)
        if found:
            rows.append(confidence.run_features(each.wanted, each.asked, found, each.copied))
            right.append(each.right(each.shown(found, ranker)))
            sentence = found[0].sentence
            objected.append(confidence.run_objection(each.wanted, each.asked, sentence, 1.0, 0.0) is not None)
            answerable.append(each.question.answerable)
    table = np.array(rows, dtype=np.float64).reshape(-1, len(confidence.RUN_FEATURES))
    return Judged(table, *(np.array(values, dtype=np.bool_) for values in (right, objected, answerable)))


def threshold_for(told: Judged, weights: Floats, refused: float) -> float:
    """The confidence below which that share of the answerable lies; those objected to for other reasons count in."""
    chances = np.where(told.objected, 0.0, 1 / (1 + np.exp(-told.rows @ weights)))
    return float(np.quantile(chances[told.answerable], refused))


def main(
    squad: Annotated[Path, typer.Option(help="SQuAD file; its first half by title is used.")],
    distractors: Annotated[Path, typer.Option(help="SQuAD file whose paragraphs are searched too.")],
    english: Annotated[Path, typer.Option(help="The questions in English, by id.")],
    most: Annotated[int, typer.Option(help="Questions of the SQuAD file at most.")] = 160,
    observations: Annotated[Path | None, typer.Option(help="Where observations are kept for another fit.")] = None,
    run_share: Annotated[float, typer.Option(help="Least share of runs that agree with one that is told.")] = 0.8,
    next_share: Annotated[float, typer.Option(help="How likely the second sentence told is at least.")] = 0.3,
    refused: Annotated[float, typer.Option(help="Share of the answerable questions on news that is refused.")] = 0.08,
    write: Annotated[bool, typer.Option(help="Write ranker.json.")] = True,
) -> None:
    """Fit the weights of runs and the confidence, print their figures, write ranker.json."""
    if Assistant(Settings()).adapter is None:
        raise typer.BadParameter(f"there is no adapter whose runs could be weighed: qa/{ADAPTER}")
    if observations is not None and observations.is_file():
        seen: list[Observation] = pickle.loads(observations.read_bytes())
    else:
        given = read_squad(squad, distractors)
        asked = {given.paragraphs[file].article for file in given.files.values()}
        first = set(sorted(asked)[: len(asked) // 2])
        questions = [each for each in given.questions if given.paragraphs[given.files[each.id]].article in first]
        chosen = sampled(questions, most)
        seen = observe_squad(given, chosen, read_wording(english, chosen))
        seen += observe_passages(read_passages([VALIDATION, WIRE_VALIDATION]), "corpus", most)
        seen += observe_set(Settings(), "dev", "dev")
        if observations is not None:
            observations.write_bytes(pickle.dumps(seen))
    run_weight, sentence_weight = (round(weight, 3) for weight in fit_choice(seen))
    fitted: dict[str, Any] = {
        "run_weight": run_weight,
        "sentence_weight": sentence_weight,
        "run_share": run_share,
        "next_share": next_share,
        "rerank_weight": fit_reranking(seen),
    }
    ranker = replace(load_ranker(), **fitted)
    everything = judged(seen, ranker)
    weights = fit_logistic(everything.rows, everything.right.astype(float)).round(3)
    fitted["run_confidence_weights"] = dict(zip(confidence.RUN_FEATURES, weights.tolist(), strict=True))
    news = judged([each for each in seen if each.setting in _NEWS], ranker)
    fitted["run_threshold"] = round(threshold_for(news, weights, refused), 3)
    report(seen, replace(ranker, run_confidence_weights=tuple(weights), run_threshold=fitted["run_threshold"]))
    if write:
        values = json.loads(RANKER.read_text("utf-8")) | fitted
        RANKER.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def report(seen: Sequence[Observation], ranker: Ranker) -> None:
    """Prints by setting how often what is shown is right, how well the confidence tells, and how much is refused."""
    weights = np.array(ranker.run_confidence_weights)
    typer.echo(f"runs {ranker.run_weight}, sentences {ranker.sentence_weight}, refused {ranker.run_threshold}")
    for setting in sorted({each.setting for each in seen}):
        part = [each for each in seen if each.setting == setting]
        told = judged(part, ranker)
        if not len(told.rows):
            continue
        scores = told.rows @ weights
        low = told.objected | (1 / (1 + np.exp(-scores)) < ranker.run_threshold)
        if any(any(each.holding) for each in part):
            first = [f"{weight}: {first_right(part, weight):.3f}" for weight in _RERANK_WEIGHTS]
            typer.echo(f"{setting}: right passage first by weight of reading {', '.join(first)}")
        typer.echo(
            f"{setting}: {len(part)} questions, right {_share(told.right[told.answerable])}, "
            f"AUROC right {auroc(scores, told.right)}, answerable {auroc(scores, told.answerable)}, refused: "
            f"answerable {_share(low[told.answerable])}, unanswerable {_share(low[~told.answerable])}"
        )


def _share(values: NDArray[np.bool_]) -> str:
    return f"{values.mean():.3f}" if len(values) else "–"


if __name__ == "__main__":
    typer.run(main)
