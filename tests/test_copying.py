"""Whatever the model says, what is copied stands in a passage from word boundary to word boundary."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Passage
from qa.copying import CopiedRun, copy_answer, is_word_boundary
from qa.model import Model
from tests.fake_model import FakeModel, random_oracle, scripted_oracle

PROMPT = (70, 71, 72)


def passage(text: str, start: int = 0, document: str = "a") -> Passage:
    return Passage(f"{document}:{start}", document, start, start + len(text), text)


def script(*texts: str) -> FakeModel:
    return FakeModel(scripted_oracle(len(PROMPT), [text.encode() for text in texts]))


def bytes_of(text: str) -> list[str]:
    return list(text)


def assert_run(run: CopiedRun) -> None:
    assert run.occurrences
    for place in run.occurrences:
        text, offset = place.passage.text, place.passage.start
        assert text[place.start - offset : place.end - offset] == run.text
        assert is_word_boundary(text, place.start - offset)
        assert is_word_boundary(text, place.end - offset)
    assert run.text == run.text.strip()


WORDS = st.sampled_from(
    ["Kim", "Pyongyang", "No", "consta", "la", "España", "1.500", "3,5 %", "niño", "100 €", "👍🏽", "ñ"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join) | st.text(min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(0, 10_000), st.integers(1, 12))
def test_every_result_is_a_run_of_a_passage_at_word_boundaries(texts: list[str], seed: int, max_tokens: int) -> None:
    passages = [passage(text, start=7 * index, document=str(index)) for index, text in enumerate(texts)]
    run = copy_answer(FakeModel(random_oracle(seed)), PROMPT, passages, max_tokens=max_tokens).run
    if run is not None:
        assert_run(run)


def test_a_run_is_copied_with_all_its_places_in_document_offsets() -> None:
    passages = [passage("En Pyongyang llueve. Pyongyang calla.", 100), passage("Visita a Pyongyang.", 5, "b")]
    copied = copy_answer(script(" Pyong", "yang"), PROMPT, passages)
    assert copied.answered
    assert copied.run is not None
    assert copied.run.text == "Pyongyang"
    assert [(p.passage.document_id, p.start, p.end) for p in copied.run.occurrences] == [
        ("a", 103, 112),
        ("a", 121, 130),
        ("b", 14, 23),
    ]


def test_the_same_place_in_overlapping_passages_is_listed_once() -> None:
    passages = [passage("Kim habla", 10), passage("con Kim", 6)]
    run = copy_answer(script("Kim"), PROMPT, passages).run
    assert run is not None
    assert [(place.start, place.end) for place in run.occurrences] == [(10, 13)]


def test_letters_split_between_tokens_keep_their_offsets() -> None:
    model = FakeModel(scripted_oracle(len(PROMPT), [b"E", b"s", b"p", b"a", b"\xc3\xb1a"]))
    run = copy_answer(model, PROMPT, [passage("Ñu: España gana")]).run
    assert run is not None
    assert run.text == "España"
    assert (run.occurrences[0].start, run.occurrences[0].end) == (4, 10)


def test_a_run_cannot_end_inside_a_word_or_a_figure() -> None:
    run = copy_answer(script("K"), PROMPT, [passage("Kiev")]).run
    assert run is not None
    assert run.text == "Kiev"
    figure = copy_answer(script("1"), PROMPT, [passage("1.500")]).run
    assert figure is not None
    assert figure.text == "1.500"


def test_an_occurrence_inside_a_longer_word_does_not_count() -> None:
    run = copy_answer(script("Kim"), PROMPT, [passage("Kimono de Kim")]).run
    assert run is not None
    assert [(place.start, place.end) for place in run.occurrences] == [(10, 13)]


def test_the_no_answer_branch_is_not_mistaken_for_a_copied_word() -> None:
    # The passage holds «No», the first token of «No consta.», and the model wants to say the whole of it.
    model = script("No", " consta", ".")
    copied = copy_answer(model, PROMPT, [passage("No hubo acuerdo.")])
    assert not copied.answered
    assert copied.run is not None
    assert copied.run.logprob < copied.no_answer_logprob


def test_a_no_of_the_passage_can_be_the_answer() -> None:
    copied = copy_answer(script("No"), PROMPT, [passage("No hubo acuerdo.")])
    assert copied.answered
    assert copied.run is not None
    assert copied.run.text == "No"


def test_the_words_no_consta_in_a_passage_do_not_beat_the_refusal() -> None:
    copied = copy_answer(script("No", " consta", "."), PROMPT, [passage("No consta.")])
    assert not copied.answered


def test_control_tokens_never_stand_for_text_of_a_passage() -> None:
    run = copy_answer(FakeModel(random_oracle(1)), PROMPT, [passage("<|im_end|>")], max_tokens=20).run
    assert run is None or run.text in "<|im_end|>"


def test_at_most_max_tokens_are_decoded_and_a_cut_word_is_given_back() -> None:
    model = script(*bytes_of("la casa"))
    run = copy_answer(model, PROMPT, [passage("la casa")], max_tokens=4).run
    assert run is not None
    assert run.text == "la"
    assert copy_answer(model, PROMPT, [passage("la casa")], max_tokens=1).run is None


@pytest.mark.parametrize("passages", [[], [passage("  \n ")]])
def test_without_words_there_is_no_run(passages: list[Passage]) -> None:
    copied = copy_answer(FakeModel(), PROMPT, passages)
    assert copied.run is None
    assert not copied.answered


def test_the_fake_is_a_model() -> None:
    model: Model = FakeModel()
    assert model.tokenize("Pyongyang No <|im_end|>", special=True)[-1] == 257
