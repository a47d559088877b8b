"""What each side of the search finds, on twelve passages whose scores can be worked out by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.measures import RETRIEVAL_MEASURES
from eval.rankings import DEPTH, ORIGINS, ranking_scores, rankings, relevant
from eval.types import Evidence, Question
from qa.answer import Assistant
from qa.settings import Settings
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.rows import question

# How often «barco» stands in each article; all have eight terms, so only that counts for BM25.
OCCURRENCES = {1: 2, 3: 4, 5: 1, 7: 3}
# How near each article is to the question: to "¿Y el barco?" and to whatever else is asked.
COSINES = (0.5, 0.0, 0.9, 0.8, 0.45, 0.1, 0.4, 0.6, 0.35, 0.3, 0.25, 0.7)
ASKED = "¿Y el barco?"


def text_of(number: int) -> str:
    """Eight words: the ship as often as it occurs, then fillers; the last one is the article's own."""
    ships = OCCURRENCES.get(number, 0)
    fillers = "mesa lago trigo nube puerta sal vino".split()
    return " ".join([*["barco"] * ships, *fillers[: 7 - ships], "abcdefghijkl"[number] * 5]) + "."


class ToldEmbedder(FakeEmbedder):
    """Says how near each article is to any question, by its last word."""

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(self.dimension, dtype=np.float32)
        number = "abcdefghijkl".find(text[-2]) if text.endswith(".") else -1
        cosine = COSINES[number] if number >= 0 else 1.0
        vector[:2] = cosine, np.sqrt(1 - cosine**2)
        return vector


def assistant_on(place: Path, texts: Sequence[str], embedder: FakeEmbedder) -> Assistant:
    (place / "articles").mkdir()
    for number, text in enumerate(texts):
        (place / "articles" / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return Assistant(Settings(place / "articles", place / "index"), embedder, FakeModel())


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    return assistant_on(tmp_path_factory.mktemp("ships"), [text_of(number) for number in range(12)], ToldEmbedder())


def numbers(ranking: Sequence[tuple[str, int, int]]) -> list[int]:
    return [int(file.removesuffix(".txt")) for file, _, _ in ranking]


def gold(*files: int) -> tuple[Evidence, ...]:
    """The last word of these articles, each a group of the answer by itself."""
    places = [(number, len(text_of(number)) - 6) for number in files]
    return tuple(
        Evidence(f"{number:03}.txt", start, start + 5, text_of(number)[start : start + 5]) for number, start in places
    )


def asked(*files: int) -> Question:
    """A question whose answer needs the evidence of all these articles."""
    return question(question="no matter", answers=tuple((each.quote,) for each in gold(*files)), evidence=gold(*files))


def test_the_three_rankings(assistant: Assistant) -> None:
    found = rankings(assistant, ASKED)
    assert tuple(found) == ORIGINS
    # By words: four, three, two ships, one; the rest have none and are not found.
    assert numbers(found["lexical"]) == [3, 7, 1, 5]
    # By meaning: the cosines from high to low; of twelve the last two are left out.
    assert numbers(found["dense"]) == [2, 3, 11, 7, 0, 4, 6, 8, 9, 10]
    # BM25 of n ships of eight terms is n / (n + 0.9): 4/4.9, 3/3.9, 2/2.9, 1/1.9, over the first of these
    # 1, 0.942, 0.845, 0.645; with the cosine 3 has 1.8, 7 has 1.542, 1 has 0.845 and 5 has 0.745.
    # The others have their cosine alone: 2 has 0.9, 11 has 0.7, 0 has 0.5, and so on.
    assert numbers(found["fused"]) == [3, 7, 2, 1, 5, 11, 0, 4, 6, 8]
    assert len(found["dense"]) == len(found["fused"]) == DEPTH
    # A place is that of the passage in its file.
    assert found["lexical"][0] == ("003.txt", 0, len(text_of(3)))


def test_scores_by_hand(assistant: Assistant) -> None:
    # Needed are 1 and 2. By words 1 is third, 2 not found; by meaning twelfth and first; together fourth and third.
    # The best ranking has both in front: 1 + 1 / log2 3 = 1.630930.
    scores = ranking_scores(assistant, asked(1, 2), ASKED)
    assert scores == {
        "lexical.recall@1": 0.0,
        "lexical.recall@5": 0.5,
        "lexical.recall@10": 0.5,
        "lexical.mrr": pytest.approx(1 / 3),
        # (1 / log2 4) / 1.630930
        "lexical.ndcg@10": pytest.approx(0.306574, abs=1e-6),
        "dense.recall@1": 0.5,
        "dense.recall@5": 0.5,
        "dense.recall@10": 0.5,
        "dense.mrr": 1.0,
        # 1 / 1.630930
        "dense.ndcg@10": pytest.approx(0.613147, abs=1e-6),
        "fused.recall@1": 0.0,
        "fused.recall@5": 1.0,
        "fused.recall@10": 1.0,
        "fused.mrr": pytest.approx(1 / 3),
        # (1 / log2 4 + 1 / log2 5) / 1.630930 = (0.5 + 0.430677) / 1.630930
        "fused.ndcg@10": pytest.approx(0.570642, abs=1e-6),
    }
    assert set(scores) == {f"{origin}.{measure}" for origin in ORIGINS for measure in RETRIEVAL_MEASURES}


def test_where_either_place_is_enough_one_is_all(assistant: Assistant) -> None:
    either = question(answers=(tuple(each.quote for each in gold(3, 10)),), evidence=gold(3, 10))
    scores = ranking_scores(assistant, either, ASKED)
    # 3 is first by words and second by meaning; 10 is tenth by meaning and in neither of the others.
    recalls = [scores[f"{origin}.recall@{k}"] for origin in ORIGINS for k in (1, 5, 10)]
    assert recalls == [1, 1, 1, 0, 1, 1, 1, 1, 1]
    assert [scores[f"{origin}.mrr"] for origin in ORIGINS] == [1, 0.5, 1]
    # Relevant are both: (1 / log2 3 + 1 / log2 11) / 1.630930 = (0.630930 + 0.289065) / 1.630930
    assert scores["dense.ndcg@10"] == pytest.approx(0.564092, abs=1e-6)


def test_what_is_in_none_of_ten_scores_nothing(assistant: Assistant) -> None:
    scores = ranking_scores(assistant, asked(10), ASKED)
    assert {name for name, value in scores.items() if value} == {"dense.recall@10", "dense.mrr", "dense.ndcg@10"}
    # Tenth: 1 / log2 11
    assert scores["dense.mrr"] == 0.1
    assert scores["dense.ndcg@10"] == pytest.approx(0.289065, abs=1e-6)


def test_it_is_searched_for_what_is_asked_and_not_for_the_question_of_the_set(assistant: Assistant) -> None:
    # A word that only article 9 has.
    scores = ranking_scores(assistant, asked(9), "¿jjjjj?")
    assert scores["lexical.mrr"] == 1
    assert ranking_scores(assistant, asked(9), ASKED)["lexical.mrr"] == 0


def test_passages_that_hold_evidence_are_relevant(assistant: Assistant) -> None:
    assert relevant(assistant, gold(1, 2)) == 2
    # Twice in one passage is one passage; in no article is none.
    assert relevant(assistant, (Evidence("001.txt", 0, 5), Evidence("001.txt", 6, 9))) == 1
    assert relevant(assistant, (Evidence("099.txt", 0, 5),)) == relevant(assistant, ()) == 0


def test_fewer_passages_than_ten(tmp_path: Path) -> None:
    assistant = assistant_on(tmp_path, [text_of(1), text_of(3)], ToldEmbedder())
    found = rankings(assistant, ASKED)
    assert [numbers(found[origin]) for origin in ORIGINS] == [[1, 0]] * 3


def test_evidence_over_two_passages_makes_both_relevant(tmp_path: Path) -> None:
    one, two = ("El barco zarpó del puerto al alba. " * 8).strip(), ("La nave volvió sin carga de noche. " * 8).strip()
    assistant = assistant_on(tmp_path, [f"{one}\n{two}\n"], FakeEmbedder())
    evidence = (Evidence("000.txt", len(one) - 5, len(one) + 6),)
    assert relevant(assistant, evidence) == 2
    scores = ranking_scores(assistant, question(answers=(("alba",),), evidence=evidence), ASKED)
    # Whichever comes first, it touches the evidence.
    assert set(scores.values()) == {1.0}


def test_fakes_agree_on_what_shares_no_word(tmp_path: Path) -> None:
    texts = ["El panadero vende pan de centeno.", "La alcaldesa abrió el puente nuevo.", "Ganó el equipo de Teruel."]
    assistant = assistant_on(tmp_path, texts, FakeEmbedder())
    found = rankings(assistant, "¿Quién abrió el puente?")
    assert [numbers(ranking)[0] for ranking in found.values()] == [1, 1, 1]
    assert sorted(numbers(found["dense"])) == [0, 1, 2]
