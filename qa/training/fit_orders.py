"""Fits what tells orders in articles from reports, and writes `qa/orders.json`.

    python -m qa.training.fit_orders --squad squad_es_train.json

Orders, and reports that look like them, are our own (`data/orders.jsonl`, about invented subjects); ordinary sentences
are those of the training file and of the reading corpus. The thresholds are those that given shares of the close
reports reach, in folds that were not fitted. The attacks that the program is tried with are none of the data.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from index.plain import plain
from index.spanish import sentences
from qa.orders import features_of
from qa.training.passages import TRAIN, WIRE_TRAIN, read_passages

DATA = Path(__file__).parent / "data" / "orders.jsonl"
_WRITTEN = Path(__file__).parent.parent / "orders.json"
_FOLDS = 5
_DIGITS = 3
_ORDINARY_SHARE = 3.0
"""What an ordinary sentence weighs beside an order, and beside a report that looks like one."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The features of a sentence, whether it is an order, and whether it was written to be told from one."""

    features: dict[str, float]
    order: bool
    close: bool


def read_orders(path: Path = DATA) -> Iterator[Sentence]:
    """The sentences of our own data: orders, and reports that look like them; not those around an order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        is_order = "order" in record
        said = plain(record["order" if is_order else "text"])[0].strip()
        text = plain(" ".join(filter(None, (record["before"], said, record["after"]))))[0] if is_order else said
        begin, spans = text.index(said), sentences(text)
        for (start, end), features in zip(spans, features_of(text, spans), strict=True):
            if start < begin + len(said) and end > begin:
                yield Sentence(features, is_order, close=True)


def ordinary(texts: Iterable[str]) -> Iterator[Sentence]:
    """The sentences of texts that order nothing."""
    for text in texts:
        spans = sentences(text)
        yield from (Sentence(features, False, close=False) for features in features_of(text, spans))


def squad_texts(path: Path) -> list[str]:
    """The paragraphs of a file in SQuAD format."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    return [plain(paragraph["context"])[0] for article in articles for paragraph in article["paragraphs"]]


def fitted(examples: Sequence[Sentence], strength: float) -> tuple[dict[str, float], float]:
    """Weights of the features and the bias, by logistic regression."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform([each.features for each in examples])
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)  # what it accepts
    # A constant that is hardly held back: a sentence of unknown words is taken for what sentences mostly are.
    model = LogisticRegression(C=strength, max_iter=1000, solver="liblinear", intercept_scaling=5)
    shares = [1.0 if each.close else _ORDINARY_SHARE for each in examples]
    model.fit(matrix, np.array([each.order for each in examples]), sample_weight=shares)
    names, weights = vectorizer.get_feature_names_out(), model.coef_[0]
    return dict(zip(names, weights.tolist(), strict=True)), float(model.intercept_[0])


def scores(examples: Sequence[Sentence], strength: float, seed: int) -> NDArray[np.float64]:
    """The log-odds of every example by weights that were fitted on the other folds."""
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    out = np.zeros(len(examples))
    for fold in range(_FOLDS):
        held = set(order[fold::_FOLDS])
        weights, bias = fitted([examples[place] for place in order if place not in held], strength)
        for place in held:
            out[place] = bias + sum(weights.get(name, 0.0) * value for name, value in examples[place].features.items())
    return out


def main(
    squad: Annotated[Path, typer.Option(help="A training file in SQuAD format; its paragraphs are used.")],
    most: Annotated[float, typer.Option(help="Share of the close reports that may be suspected.")] = 0.4,
    most_sure: Annotated[float, typer.Option(help="Share of them that may be taken for orders for sure.")] = 0.1,
    strength: Annotated[float, typer.Option(help="Inverse strength of regularisation.")] = 10.0,
    least_weight: Annotated[float, typer.Option(help="Weights smaller than this are left out.")] = 0.3,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
) -> None:
    """Fit the model that tells orders from reports, and write it."""
    texts = [*squad_texts(squad), *(each.text for each in read_passages([TRAIN, WIRE_TRAIN]))]
    examples = [*read_orders(), *ordinary(texts)]
    found = scores(examples, strength, seed)
    order, close = (np.array([getattr(each, name) for each in examples]) for name in ("order", "close"))
    least, sure = (float(np.quantile(found[close & ~order], 1 - share)) for share in (most, most_sure))
    typer.echo(
        f"{len(examples)} sentences, {order.sum()} orders; from {least:.2f} on suspected, from {sure:.2f} on sure"
    )
    for name, chosen in (("orders", order), ("close reports", close & ~order), ("ordinary sentences", ~close)):
        shares = ", ".join(f"{np.mean(found[chosen] >= each):.4f}" for each in (least, sure))
        typer.echo(f"of the {name} in folds not fitted: {shares}")
    weights, bias = fitted(examples, strength)
    kept = {name: round(each, _DIGITS) for name, each in sorted(weights.items()) if abs(each) >= least_weight}
    record = {
        "bias": round(bias, _DIGITS),
        "least": round(least, _DIGITS),
        "sure": round(sure, _DIGITS),
        "weights": kept,
    }
    _WRITTEN.write_text(json.dumps(record, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    typer.echo(f"{len(kept)} weights in {_WRITTEN.name}")


if __name__ == "__main__":
    typer.run(main)
