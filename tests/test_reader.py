"""Drafts from passages: which sentence is chosen, when a second is shown, and where a copied run is said to stand."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from index.types import Hit, Passage
from qa.choosing import choices
from qa.confidence import RUN_FEATURES
from qa.errors import ContextError
from qa.model import Logprobs
from qa.ranking import FEATURES, Candidate, Ranker
from qa.reader import SCORED_SENTENCES, parts_told, rank, read_composing, read_runs, read_sentences, worth_reading
from qa.types import Span
from tests.fake_model import FakeModel, random_oracle, scripted_oracle
from tests.test_choosing import FIRST, RANKED, SECOND, read, run

TEXT = "Ana Ruiz visitó Lima en mayo. Después habló de pesca en Quito. Nadie más fue a Lima ni a Quito."


class PlainTerms:
    """Every term is equally rare and stands for itself alone."""

    def inverse_document_frequency(self, term: str) -> float:
        return 1.0

    def stand_ins(self, term: str, english: bool = False) -> dict[str, float]:
        return {term: 1.0}


class LikingModel(FakeModel):
    """Finds any question likely after a text that holds the word, and unlikely after others."""

    def __init__(self, word: str) -> None:
        super().__init__(random_oracle(1))
        self.word = word
        self.scored: list[str] = []

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        texts = [b"".join(self.piece(token) for token in prefix).decode() for prefix in prefixes]
        self.scored.extend(texts)
        return [0.0 if self.word in text else -5.0 for text in texts]


def hits(*texts: str) -> list[Hit]:
    return [
        Hit(Passage(str(rank), f"d{rank}", 0, len(text), text), 1.0 / rank, rank, "lexical")
        for rank, text in enumerate(texts, 1)
    ]


def ranker(likelihood_weight: float = 0.0, second_ratio: float = 2.0, coverage_weight: float = 0.5) -> Ranker:
    weights = tuple(coverage_weight if name == "coverage" else 0.0 for name in FEATURES)
    unsure = (0.0,) * len(RUN_FEATURES)
    return Ranker(weights, likelihood_weight, second_ratio, (0.0,) * 10, 0.0, run_confidence_weights=unsure)


def texts_of(parts: Sequence[object]) -> list[str]:
    return [part.text for part in parts]  # type: ignore[attr-defined]


def test_the_sentence_with_the_question_s_words_answers() -> None:
    reading = read_sentences(LikingModel("?"), "¿De qué pesca habló?", hits(TEXT), PlainTerms(), ranker())
    (part,) = reading.draft.parts
    assert part.text == "Después habló de pesca en Quito."
    assert TEXT[part.spans[0].start : part.spans[0].end] == part.text
    assert part.copied


def test_likelihood_decides_where_it_weighs_more() -> None:
    reading = read_sentences(LikingModel("Nadie"), "¿De qué pesca habló?", hits(TEXT), PlainTerms(), ranker(9.0))
    assert texts_of(reading.draft.parts) == ["Nadie más fue a Lima ni a Quito."]


def test_a_sentence_far_behind_the_best_is_not_scored() -> None:
    model = LikingModel("Nadie")
    far = ranker(9.0, coverage_weight=2.0)
    reading = read_sentences(model, "¿De qué pesca habló?", hits(TEXT), PlainTerms(), far)
    assert texts_of(reading.draft.parts) == ["Después habló de pesca en Quito."]
    assert model.scored == []


def test_only_the_best_sentences_are_scored() -> None:
    model = LikingModel("x")
    many = " ".join(f"Frase número {number} sobre Lima." for number in range(20))
    rank(model, "¿Lima?", hits(many), PlainTerms(), ranker())
    assert len(model.scored) == SCORED_SENTENCES


@pytest.mark.parametrize(("ratio", "sentences"), [(2.0, 1), (0.0, 2)])
def test_a_second_sentence_is_shown_where_it_is_nearly_as_likely(ratio: float, sentences: int) -> None:
    reading = read_sentences(LikingModel("x"), "¿Lima?", hits(TEXT), PlainTerms(), ranker(0.0, ratio))
    assert len(reading.draft.parts) == sentences


def test_no_passages_give_a_draft_without_parts() -> None:
    reading = read_sentences(LikingModel("x"), "¿Lima?", [], PlainTerms(), ranker())
    assert reading.draft.parts == reading.fallback.parts == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_copied_run_stands_where_it_says_whatever_the_model_prefers(seed: int) -> None:
    reading = read_runs(FakeModel(random_oracle(seed)), "¿Quito?", hits(TEXT, TEXT[::-1]), PlainTerms(), ranker())
    assert reading.draft.parts
    for part in reading.draft.parts:
        source = {"d1": TEXT, "d2": TEXT[::-1]}[part.spans[0].document_id]
        assert source[part.spans[0].start : part.spans[0].end] == part.text


def saying(words: str) -> FakeModel:
    """Copies these words wherever they stand."""
    return FakeModel(scripted_oracle(FakeModel().tokenize(words)))


class FullModel(FakeModel):
    """Has no room for any passage."""

    def start_after(self, prefix: Sequence[int], tokens: Sequence[int]) -> Logprobs:
        raise ContextError("too much", "less", "shorten it")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("¿De qué habló Ana Ruiz?", "pesca"),
        ("¿Por qué habló Ana Ruiz?", "Después habló de pesca en Quito."),
        ("¿Cómo habló Ana Ruiz?", "Después habló de pesca en Quito."),
    ],
)
def test_reasons_and_ways_are_told_by_whole_sentences(question: str, answer: str) -> None:
    reading = read_runs(saying("pesca"), question, hits(TEXT), PlainTerms(), ranker())
    assert texts_of(reading.draft.parts) == [answer]
    assert texts_of(reading.fallback.parts) == ["Después habló de pesca en Quito."]


def test_a_run_whose_ends_are_unsure_gives_way_to_its_sentence() -> None:
    unsure = replace(ranker(), run_share=1.1)
    reading = read_runs(saying("pesca"), "¿De qué habló Ana Ruiz?", hits(TEXT), PlainTerms(), unsure)
    assert texts_of(reading.draft.parts) == ["Después habló de pesca en Quito."]


@pytest.mark.parametrize(
    ("run_share", "next_share", "told"),
    [(0.3, 0.1, ["Ana Ruiz"]), (0.9, 0.1, [FIRST, SECOND]), (0.9, 0.7, [FIRST])],
)
def test_the_next_sentence_is_told_too_where_it_is_nearly_as_likely(
    run_share: float, next_share: float, told: list[str]
) -> None:
    chosen = choices([read(run("Ana Ruiz", 0.4), run("mayo", 0.2))], RANKED, 1.0, 0.0)
    assert texts_of(parts_told("¿Quién llegó?", chosen, run_share, next_share)) == told


def test_passages_whose_sentences_are_all_far_behind_are_not_read() -> None:
    passages = [Passage(f"p{n}", f"d{n}", 0, len(TEXT), TEXT) for n in range(3)]
    found = [Hit(passage, 1.0, rank, "lexical") for rank, passage in enumerate(passages, 1)]
    scores = {"p0": 1.5, "p1": 0.4, "p2": 1.0}
    ranked = [Candidate(each, 0, 29, TEXT[:29], (0.0,) * len(FEATURES), scores[each.id]) for each in passages]
    ranked.sort(key=lambda each: -each.score)
    assert [hit.passage.id for hit in worth_reading(found, ranked)] == ["p0", "p2"]


def test_what_was_said_is_not_said_again() -> None:
    said = Span("d1", TEXT.index("pesca"), TEXT.index("pesca") + 5)
    reading = read_runs(saying("pesca"), "¿De qué más habló?", hits(TEXT), PlainTerms(), ranker(), [said])
    assert all("pesca" not in text for text in texts_of(reading.draft.parts))


def test_a_passage_without_room_is_dropped_and_counted() -> None:
    reading = read_runs(FullModel(), "¿De qué habló?", hits(TEXT), PlainTerms(), ranker())
    assert reading.dropped == 1
    assert reading.draft.parts  # the best sentence, as without an adapter


def test_a_composing_reader_keeps_the_best_quotation_to_fall_back_on() -> None:
    model = FakeModel(random_oracle(1), completions=["Ana pescó en Quito. [1]"])
    reading = read_composing(model, "¿De qué pesca habló?", hits(TEXT), PlainTerms(), ranker())
    assert texts_of(reading.draft.parts) == ["Ana pescó en Quito."]
    assert not reading.draft.parts[0].copied
    assert texts_of(reading.fallback.parts) == ["Después habló de pesca en Quito."]
