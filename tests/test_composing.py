"""The composing reader: what its grammar admits, how its text is read, and tiny models that write under it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Hit, Passage
from qa.composing import answer_grammar, compose, parse_answer
from qa.errors import ContextError
from qa.prompt import composing_prompt
from qa.types import Part, Span
from tests.fake_model import FakeModel
from tests.models import bundled_model, tiny_model
from tests.tiny_gguf import FAMILIES

PASSAGES = (Passage("p1", "d1", 0, 9, "Uno habla"), Passage("p2", "d2", 40, 49, "Dos calla"))
HITS = tuple(Hit(passage, 1.0, rank, "lexical") for rank, passage in enumerate(PASSAGES, 1))
ADMITTED = re.compile(r"No consta\.|(?:[^\[\]<>\n]{3,301}(?:\[[12]\])+\.? ?){1,6}")


def part(text: str, *passages: Passage) -> Part:
    return Part(text, tuple(Span(item.document_id, item.start, item.end) for item in passages), copied=False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("No consta.", []),
        ("", []),
        ("Habló Uno [1].", [part("Habló Uno", PASSAGES[0])]),
        ("Habló Uno. [1]", [part("Habló Uno.", PASSAGES[0])]),
        ("Hablan[2][1][2]. Callan [2]", [part("Hablan", PASSAGES[1], PASSAGES[0]), part("Callan", PASSAGES[1])]),
        ("Habló Uno [1]. Y luego se cor", [part("Habló Uno", PASSAGES[0])]),
        ("Nadie habló [3]. Cero [0]", []),
        ("No consta. [1]", []),
        ("No consta en acta [1]", [part("No consta en acta", PASSAGES[0])]),
    ],
)
def test_an_answer_is_read_as_statements_with_the_passages_they_cite(text: str, parts: list[Part]) -> None:
    assert list(parse_answer(text, PASSAGES)) == parts


@given(st.text("ab. []0123456789\n¿é", max_size=80))
def test_whatever_is_written_each_part_cites_shown_passages_and_has_no_brackets(text: str) -> None:
    for read in parse_answer(text, PASSAGES):
        assert read.spans
        assert set(read.spans) <= {Span(item.document_id, item.start, item.end) for item in PASSAGES}
        assert not set("[]") & set(read.text)


def test_a_draft_has_the_models_statements_and_mean_token_probability() -> None:
    composed = compose(FakeModel(completions=["Habló Uno [1]. Calló Dos [2]."]), "¿Quién?", HITS)
    assert composed.dropped == 0
    assert [read.text for read in composed.draft.parts] == ["Habló Uno", "Calló Dos"]
    assert composed.draft.confidence == pytest.approx(0.9048, abs=1e-4)  # e to the -0.1, the fake's figure for a token


@pytest.mark.parametrize("text", ["No consta.", ""])
def test_no_answer_is_a_draft_without_parts(text: str) -> None:
    assert compose(FakeModel(completions=[text]), "¿Quién?", HITS).draft.parts == ()


def test_without_hits_the_model_is_not_asked() -> None:
    model = FakeModel()
    assert compose(model, "¿Quién?", ()).draft.parts == ()
    assert model.prompts == []


def watched(text: str) -> tuple[list[tuple[Part, ...]], tuple[Part, ...]]:
    """What `watch` is called with while a text is written, and the parts of the draft."""
    calls: list[tuple[Part, ...]] = []
    composed = compose(FakeModel(completions=[text]), "¿Quién?", HITS, lambda parts: calls.append(tuple(parts)))
    return calls, composed.draft.parts


def test_a_statement_is_given_out_when_the_next_one_begins() -> None:
    one, two = part("Habló Uno", PASSAGES[0]), part("Calló Dos", PASSAGES[1], PASSAGES[0])
    calls, parts = watched("Habló Uno [1]. Calló Dos [2][1]. Y luego [1].")
    assert calls == [(one,), (one, two)]
    assert parts == (one, two, part("Y luego", PASSAGES[0]))


def test_statements_that_are_no_part_are_not_given_out() -> None:
    one = part("Habló Uno", PASSAGES[0])
    assert watched("Nadie [3]. Habló Uno [1]. Cero [0]. Se cor") == ([(one,)], (one,))


@pytest.mark.parametrize("text", ["No consta.", "", "Habló Uno [1].", "Habló Uno [1"])
def test_an_answer_of_one_statement_or_none_is_given_out_in_the_end_only(text: str) -> None:
    assert watched(text) == ([], parse_answer(text, PASSAGES))


STATEMENTS = st.tuples(st.text("ab ñ.", max_size=5), st.sampled_from(["[1]", "[2]", "[2][1]", "[3]", "[1", ""]))
WRITTEN = st.lists(STATEMENTS, max_size=6).map(lambda pairs: " ".join(text + markers for text, markers in pairs))


@given(WRITTEN | st.text("ab. []0123456789\n¿é", max_size=60))
def test_what_is_given_out_grows_towards_the_draft(text: str) -> None:
    calls, parts = watched(text)
    lengths = [len(call) for call in calls]
    assert lengths == sorted(set(lengths))
    assert all(call == parts[: len(call)] for call in calls)
    assert compose(FakeModel(completions=[text]), "¿Quién?", HITS).draft.parts == parts


def test_passages_that_do_not_fit_are_dropped_and_cannot_be_cited() -> None:
    long = Hit(Passage("p3", "d3", 0, 4000, "x" * 4000), 0.1, 3, "dense")
    model = FakeModel(completions=["Sí [1]. No [3]."], context_tokens=3000)
    composed = compose(model, "¿Quién?", [*HITS, long])
    assert composed.dropped == 1
    assert [read.text for read in composed.draft.parts] == ["Sí"]
    assert len(model.prompts[0]) <= 3000


def test_a_context_too_small_for_one_passage_is_refused() -> None:
    with pytest.raises(ContextError):
        compose(FakeModel(context_tokens=200), "¿Quién?", HITS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_random_model_of_each_family_writes_only_what_the_grammar_admits(family: str) -> None:
    model = tiny_model(family)
    text = model.complete(model.tokenize("¿Quién?"), answer_grammar(2), 1900).text
    assert ADMITTED.fullmatch(text)
    composed = compose(model, "¿Quién?", HITS)
    assert compose(model, "¿Quién?", HITS) == composed


@settings(max_examples=10)
@given(st.lists(st.integers(5, 260), min_size=1, max_size=20), st.integers(1, 12))
def test_markers_are_only_of_passages_in_the_prompt(prompt: list[int], count: int) -> None:
    text = tiny_model().complete(prompt, answer_grammar(count), 400).text
    assert all(1 <= int(number) <= count for number in re.findall(r"\[(\d+)\]", text))


def test_the_bundled_model_is_held_to_the_grammar() -> None:
    model = bundled_model()
    text = model.complete(composing_prompt(model, "¿Quién habla?", PASSAGES), answer_grammar(2), 20).text
    assert text
    assert not set("<>\n") & set(text)
    assert set(re.findall(r"\[.*?\]", text)) <= {"[1]", "[2]"}
