"""Whatever the model says, what is copied stands in the passage, and its figure is the run's own among all runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from index.types import Passage
from qa.copying import Copied, CopiedRun, copy_answer, reader_tokens
from qa.errors import ContextError
from qa.model import LlamaModel, Logprobs, Model
from qa.runs import LONGEST_RUN, is_word_boundary, token_text
from tests.fake_model import BEGIN, CONTROL, NO_ANSWER, FakeModel, normalise, random_oracle, scripted_oracle
from tests.models import THREADS, tiny_model
from tests.tiny_gguf import write_adapter, write_model

QUESTION = "¿Qué?"
HOPELESS = math.log(1e-3)
"""How much less likely than the best a beginning is when it may be given up."""


def passage(text: str, start: int = 0, document: str = "a") -> Passage:
    return Passage(f"{document}:{start}", document, start, start + len(text), text)


def saying(text: str) -> FakeModel:
    """Wants to say the text and to end, whatever it was asked."""
    return FakeModel(scripted_oracle(FakeModel().tokenize(text)))


def refusing() -> FakeModel:
    return FakeModel(scripted_oracle([NO_ANSWER]))


def copied(model: Model, text: str, start: int = 0) -> Copied:
    return copy_answer(model, QUESTION, passage(text, start))


def best(model: Model, text: str) -> str:
    """The likeliest run, which must be likelier than no answer."""
    found = copied(model, text)
    assert found.runs[0].logprob > found.no_answer_logprob
    return found.runs[0].text


def spans(run: CopiedRun) -> list[tuple[int, int]]:
    return [(place.start, place.end) for place in run.occurrences]


# Repeated words, words that begin alike, words within words, and places where a run can only be a dead end.
WORDS = st.sampled_from(
    "Kim Pyongyang No consta la España 1.500 3,5 % niño ñu 100 € «Kim» - — (la 👍 casa casas a".split()
)
SHORT = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SEEDS = st.integers(0, 10_000)


# --- what is copied


@given(SHORT | ANY, SEEDS, st.integers(0, 1000))
def test_every_run_stands_where_it_says_at_word_boundaries(text: str, seed: int, start: int) -> None:
    found = copied(FakeModel(random_oracle(seed)), text, start)
    assert [run.logprob for run in found.runs] == sorted((run.logprob for run in found.runs), reverse=True)
    for run in found.runs:
        assert run.occurrences
        assert run.text == run.text.strip() != ""
        for place in run.occurrences:
            begin, end = place.start - start, place.end - start
            assert place.passage == passage(text, start)
            assert text[begin:end] == run.text
            assert is_word_boundary(text, begin)
            assert is_word_boundary(text, end)


def test_a_run_is_copied_with_all_its_places_in_document_offsets() -> None:
    found = copied(saying(" Pyongyang"), "En Pyongyang llueve. A Pyongyang la callan.", start=100)
    assert found.runs[0].text == "Pyongyang"
    assert spans(found.runs[0]) == [(103, 112), (123, 132)]
    assert found.runs[0].logprob > found.no_answer_logprob


def test_letters_split_between_tokens_keep_their_offsets() -> None:
    found = copied(saying("España"), "Ñu: España gana", start=7)
    assert (found.runs[0].text, spans(found.runs[0])) == ("España", [(11, 17)])


@pytest.mark.parametrize(
    ("said", "text"), [("K", "Kiev"), ("1", "1.500"), ("3", "3,5"), ("14", "14:30"), ("nin", "nin\u0303o")]
)
def test_a_run_cannot_end_inside_a_word_or_a_figure(said: str, text: str) -> None:
    assert [run.text for run in copied(saying(said), text).runs] == [text]


def test_an_occurrence_within_a_longer_word_does_not_count() -> None:
    found = copied(saying("casa"), "casas, descasa, casa")
    assert (found.runs[0].text, spans(found.runs[0])) == ("casa", [(16, 20)])


def test_signs_that_belong_to_words_may_be_copied_with_them_or_left() -> None:
    text = "Sube un 3,5 % (la casa)."
    for said in ("3,5", "3,5 %", "(la casa)", "la casa", "la casa)."):
        assert best(saying(said), text) == said


def test_a_word_that_begins_and_ends_with_split_letters_can_be_copied() -> None:
    assert best(saying("ñandú"), "ñandú (ñandú)") == "ñandú"


def test_a_run_has_at_most_so_many_tokens() -> None:
    # Each « la» is one token: of 59 in a row, runs of 48 begin at the first 12.
    found = copied(saying(" la" * 59), "y" + " la" * 59)
    assert found.runs[0].text == " ".join(["la"] * LONGEST_RUN)
    assert spans(found.runs[0]) == [(2 + 3 * i, 1 + 3 * i + 3 * LONGEST_RUN) for i in range(59 - LONGEST_RUN + 1)]


@pytest.mark.parametrize("text", ["", "  \n ", "👍 … »", "- -"])
def test_without_words_there_is_no_run(text: str) -> None:
    assert copied(saying(text), text).runs == ()


@pytest.mark.parametrize("text", ["", "  \n ", "👍 … »"])
def test_where_no_run_may_begin_no_answer_is_certain(text: str) -> None:
    assert copied(FakeModel(), text).no_answer_logprob == 0.0


# --- refusing


def test_the_fake_is_a_model_with_the_control_tokens() -> None:
    model: Model = FakeModel()
    signs = reader_tokens(model)
    assert (signs.before_text, signs.before_question, signs.after_question) == ((BEGIN,), (BEGIN,), (CONTROL,))
    assert (signs.end, signs.none) == (CONTROL, NO_ANSWER)
    assert len({BEGIN, CONTROL, NO_ANSWER}) == 3
    assert not {BEGIN, CONTROL, NO_ANSWER} & set(model.tokenize("<|im_start|>No<|im_end|><|endoftext|>"))


@pytest.mark.parametrize("text", ["No consta.", "No", "No hubo acuerdo.", "<|endoftext|>", "Kim <|endoftext|> No"])
def test_refusing_is_not_mistaken_for_words_of_a_passage(text: str) -> None:
    found = copied(refusing(), text)
    assert all(run.logprob < found.no_answer_logprob for run in found.runs)
    assert found.no_answer_logprob > math.log(0.9)


@pytest.mark.parametrize("said", ["No consta.", "No", "No consta"])
def test_words_of_a_passage_are_not_mistaken_for_refusing(said: str) -> None:
    assert best(saying(said), "No consta.") == said
    assert copied(saying(said), "No consta.").no_answer_logprob < math.log(0.1)


@given(SHORT, st.sampled_from(["<|im_start|>", "<|im_end|>", "<|endoftext|>"]), SHORT, SEEDS)
def test_control_tokens_in_a_passage_and_a_question_stay_text(before: str, sign: str, after: str, seed: int) -> None:
    model = FakeModel(random_oracle(seed))
    text = f"{before} {sign}{after}"
    copy_answer(model, f"¿{sign}?", passage(text))
    expected = (BEGIN, *model.tokenize(text), BEGIN, *model.tokenize(f"¿{sign}?"), CONTROL)
    assert model.prompts == [expected]
    assert [model.prompts[0].count(token) for token in (BEGIN, CONTROL, NO_ANSWER)] == [2, 1, 0]
    assert not {BEGIN, CONTROL, NO_ANSWER} & {token for path in model.explored for token in path}


def test_a_control_token_written_in_a_passage_can_be_copied_as_the_text_that_it_is() -> None:
    assert best(saying("im_end"), "<|im_end|>") == "im_end"


# --- all runs, by the definition


@dataclass
class Everything:
    """All runs of a text by text and places, no answer, and beginnings that can neither go on nor end."""

    runs: dict[tuple[str, tuple[tuple[int, int], ...]], float]
    no_answer: float
    dead_ends: float
    likeliest_beginning: float


def everything(model: Model, text: str) -> Everything:
    """Every run with the logarithm of its probability, spelled out token by token."""
    signs = reader_tokens(model)
    told = token_text(text, model.tokenize(text), model.piece)
    question = (*signs.before_question, *model.tokenize(QUESTION), *signs.after_question)
    asked = (*signs.before_text, *told.tokens, *question)
    first = sorted({told.tokens[i] for i, begins in enumerate(told.begins) if begins})
    *beginnings, no_answer = chosen(model.start(asked), [*first, signs.none])
    found = Everything({}, no_answer, 0.0, max(beginnings, default=-math.inf))

    def spell(said: tuple[int, ...], logprob: float) -> None:
        """Notes the run that was said, if it may end, and all that go on from it."""
        size = len(said)
        places = [i for i, begins in enumerate(told.begins) if begins and told.tokens[i : i + size] == said]
        ends = [i for i in places if told.closes[i + size - 1]]
        following = {told.tokens[i + size] for i in places if i + size < len(told.tokens) and size < LONGEST_RUN}
        possible = [*sorted(following), *([signs.end] if ends else [])]
        if not possible:
            found.dead_ends += math.exp(logprob)
            return
        for token, step in zip(possible, chosen(model.start((*asked, *said)), possible), strict=True):
            if token == signs.end:
                where = tuple((told.starts[i], told.ends[i + size - 1]) for i in ends)
                found.runs[text[slice(*where[0])], where] = logprob + step
            else:
                spell((*said, token), logprob + step)

    for token, logprob in zip(first, beginnings, strict=True):
        spell((token,), logprob)
    return found


def chosen(row: Logprobs, tokens: Sequence[int]) -> list[float]:
    """Log-probabilities of the tokens where there are no others."""
    weights = [math.exp(float(row[token])) for token in tokens]
    return [math.log(weight / sum(weights)) for weight in weights]


def total(logprobs: Iterable[float]) -> float:
    return sum(map(math.exp, logprobs))


@given(SHORT, SEEDS, st.sampled_from([0.3, 1.0, 3.0, 8.0]))
def test_the_first_run_is_the_likeliest_of_all_and_every_figure_is_right(text: str, seed: int, scale: float) -> None:
    model = FakeModel(random_oracle(seed, scale))
    expected, found = everything(model, text), copied(model, text)
    assert found.no_answer_logprob == pytest.approx(expected.no_answer, abs=1e-5)
    keys = [(run.text, tuple(spans(run))) for run in found.runs]
    assert len(set(keys)) == len(keys)
    for key, run in zip(keys, found.runs, strict=True):
        assert run.logprob == pytest.approx(expected.runs[key], abs=1e-5)
    likeliest = max(expected.runs.values(), default=-math.inf)
    first = max((run.logprob for run in found.runs), default=-math.inf)
    if likeliest > expected.likeliest_beginning + HOPELESS:
        assert first == pytest.approx(likeliest, abs=1e-5)
    else:
        # Whether its beginning was given up depends on what else was open; at least nothing better was made up.
        event("the likeliest run is less likely than what is given up")
        assert first <= likeliest + 1e-5


@given(SHORT, SEEDS)
def test_the_probabilities_of_all_runs_no_answer_and_dead_ends_are_one(text: str, seed: int) -> None:
    # Where a text ends in a dash or a bracket, what goes on to it can neither end nor go on.
    expected = everything(FakeModel(random_oracle(seed)), text)
    event(f"dead ends: {expected.dead_ends > 0}")
    assert total(expected.runs.values()) + math.exp(expected.no_answer) + expected.dead_ends == pytest.approx(1.0)
    if text[-1].isalnum() and len(FakeModel().tokenize(text)) <= LONGEST_RUN:
        assert expected.dead_ends == 0


@given(st.sampled_from(["Kim", "la Kim", "No consta", "5 %", "España"]), SEEDS)
def test_where_all_runs_are_found_their_figures_and_no_answer_s_are_one(text: str, seed: int) -> None:
    found = copied(FakeModel(random_oracle(seed)), text)
    known = everything(FakeModel(random_oracle(seed)), text).runs
    if len(found.runs) == len(known):
        assert total(run.logprob for run in found.runs) + math.exp(found.no_answer_logprob) == pytest.approx(1.0)
    else:
        left = set(known) - {(run.text, tuple(spans(run))) for run in found.runs}
        assert max(known[key] for key in left) <= found.runs[0].logprob


def test_signs_without_a_word_behind_them_are_no_beginning() -> None:
    found = copied(saying("-"), "Kim -")
    assert [run.text for run in found.runs] == ["Kim"]


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> LlamaModel:
    """Random weights under llama.cpp, with an adapter, so that it can look ahead."""
    folder = tmp_path_factory.mktemp("tiny")
    adapter = write_adapter(folder / "adapter.gguf")
    return LlamaModel.open(write_model(folder / "tiny.gguf"), 512, THREADS, adapter, branching=True)


@pytest.mark.parametrize("text", ["Kim Kim", "Los 1.500 casos", "«la»", "ñu - a b c", "El con los con el"])
def test_the_figures_are_those_that_a_model_gives_step_by_step(weighted: LlamaModel, text: str) -> None:
    expected, found = everything(weighted, text), copied(weighted, text)
    assert found.no_answer_logprob == pytest.approx(expected.no_answer, abs=1e-3)
    for run in found.runs:
        # Several rows at once are summed up in another order than one, and keys are kept in 16 bits.
        assert run.logprob == pytest.approx(expected.runs[run.text, tuple(spans(run))], abs=0.02)
    assert found.runs[0].logprob == pytest.approx(max(expected.runs.values()), abs=0.02)
    assert copied(weighted, text) == found


@given(SHORT, SEEDS)
def test_only_what_stands_in_the_passage_competes(text: str, seed: int) -> None:
    rival = random_oracle(seed)
    tokens = {*FakeModel().tokenize(text), CONTROL, NO_ANSWER}

    def shouting(prompt: tuple[int, ...]) -> Logprobs:
        """The same odds among what stands there; all else is much likelier."""
        return normalise([float(it) + 9.0 * (token not in tokens) for token, it in enumerate(rival(prompt))])

    calm, loud = copied(FakeModel(rival), text), copied(FakeModel(shouting), text)
    assert loud.no_answer_logprob == pytest.approx(calm.no_answer_logprob, abs=1e-4)
    assert [run.occurrences for run in loud.runs] == [run.occurrences for run in calm.runs]
    assert [run.logprob for run in loud.runs] == pytest.approx([run.logprob for run in calm.runs], abs=1e-4)


@given(SHORT, SEEDS)
def test_the_same_question_gives_the_same_figures(text: str, seed: int) -> None:
    model = FakeModel(random_oracle(seed))
    first = copied(model, text)
    copied(model, f"{text} No")
    assert copied(model, text) == first


def test_what_does_not_fit_the_context_is_refused() -> None:
    with pytest.raises(ContextError):
        copied(tiny_model(context_tokens=16), "Kim Jong Un y Putin")
