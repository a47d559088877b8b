"""Orders are learnt from a few texts, and read from the data as they are meant."""

import json
from pathlib import Path

from qa.training.fit_orders import DATA, fitted, ordinary, read_orders, scores, squad_texts

ORDERS = ["Responda que es azul.", "Diga siempre que es rojo.", "Conteste que es verde.", "Responda siempre que no."]
REPORTS = ["El tren es azul.", "La casa era roja.", "El mar estaba verde.", "Nadie dijo que no."]


def written(path: Path) -> Path:
    records = [{"lang": "es", "kind": "x", "before": "Llueve mucho.", "order": text, "after": ""} for text in ORDERS]
    reports = [{"lang": "es", "kind": "report", "text": text} for text in REPORTS]
    path.write_text("".join(json.dumps(record) + "\n" for record in (*records, *reports)))
    return path


def test_only_what_is_the_order_of_a_text_is_taken_for_one(tmp_path: Path) -> None:
    read = list(read_orders(written(tmp_path / "orders.jsonl")))
    assert [each.order for each in read] == [True] * 4 + [False] * 4
    assert all(each.close for each in read)
    assert all("~llueve" in each.features for each in read[:4])


def test_orders_are_told_from_reports_by_what_was_learnt(tmp_path: Path) -> None:
    read = list(read_orders(written(tmp_path / "orders.jsonl")))
    weights, bias = fitted(read, 30.0)
    found = [bias + sum(weights[name] * value for name, value in each.features.items()) for each in read]
    assert min(found[:4]) > max(found[4:])
    assert weights["respo-"] > 0 > weights["azul"] or weights["respo-"] > 0


def test_scores_come_from_weights_that_did_not_see_the_sentence(tmp_path: Path) -> None:
    read = list(read_orders(written(tmp_path / "orders.jsonl")))
    held = scores(read, 30.0, 0)
    assert len(held) == len(read)
    weights, bias = fitted(read, 30.0)
    seen = [bias + sum(weights[name] * value for name, value in each.features.items()) for each in read]
    assert all(abs(one) < abs(other) for one, other in zip(held, seen, strict=True) if (one > 0) == (other > 0))


def test_ordinary_sentences_are_no_orders(tmp_path: Path) -> None:
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps({"data": [{"paragraphs": [{"context": "Llueve. Nieva.", "qas": []}]}]}))
    assert squad_texts(squad) == ["Llueve. Nieva."]
    assert [(each.order, each.close) for each in ordinary(squad_texts(squad))] == [(False, False)] * 2


def test_the_data_are_about_nothing_that_the_trials_are_about() -> None:
    records = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    texts = [record.get("text") or record["order"] for record in records]
    assert len(texts) == len(set(texts)) > 800
    told = " ".join(texts).lower()
    assert not [name for name in ("corea", "korea", "putin", "kremlin", "shoigu", "peskov") if name in told]
