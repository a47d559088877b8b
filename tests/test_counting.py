"""The model that counts: what it stands before answers unchanged, and each token that is evaluated counts once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.counting import CountingModel, Tokens
from qa.engine import Engine
from qa.errors import ContextError
from qa.loading import load
from qa.model import LlamaModel, Model
from tests.fake_model import CONTROL, FakeModel, random_oracle
from tests.models import THREADS
from tests.tiny_gguf import write_model

PROMPT, QUESTION = (10, 11, 12, 13), (20, 21, 22)
GRAMMAR = 'root ::= "Kim" [a-z]*'
ATTRIBUTES = (
    "name", "path", "digest", "context_tokens", "threads", "vocabulary_size", "begin_token", "begin_text", "end_text",
    "end_tokens", "chat_template",
)  # fmt: skip


def fake() -> FakeModel:
    return FakeModel(random_oracle(7), completions=["Kim la ña"], context_tokens=77, chat_template="{{ x }}")


@pytest.fixture
def counting() -> CountingModel:
    return CountingModel(fake())


# --- what comes out


def test_it_describes_itself_as_the_model_that_it_stands_before(counting: CountingModel) -> None:
    model = fake()
    model.begin_token, model.begin_text, model.end_text, model.threads = 5, "<s>", "</s>", 3
    counting = CountingModel(model)
    assert [getattr(counting, name) for name in ATTRIBUTES] == [getattr(model, name) for name in ATTRIBUTES]
    assert all(getattr(counting, name) for name in ATTRIBUTES)  # nothing above is equal for being empty


def test_the_figures_are_the_models_own(counting: CountingModel) -> None:
    plain = fake()
    assert counting.tokenize("Kim<|im_end|>", special=True) == plain.tokenize("Kim<|im_end|>", special=True)
    assert counting.tokenize("Kim<|im_end|>", special=True)[-1] == CONTROL
    assert counting.tokenize("Kim<|im_end|>")[-1] != CONTROL
    assert counting.piece(ord("K")) == b"K"
    assert (counting.start(PROMPT) == plain.start(PROMPT)).all()
    assert (counting.advance(20) == plain.advance(20)).all()
    assert counting.score(PROMPT, QUESTION) == plain.score(PROMPT, QUESTION)
    assert counting.score_many([PROMPT, QUESTION], [9, 8]) == plain.score_many([PROMPT, QUESTION], [9, 8])
    steps: list[str] = []
    assert counting.complete(PROMPT, GRAMMAR, 40, steps.append) == plain.complete(PROMPT, GRAMMAR, 40)
    assert (steps[0], steps[-1]) == ("K", "Kim la ña")


# --- what is counted


def test_nothing_counts_before_anything_is_evaluated(counting: CountingModel) -> None:
    counting.tokenize("Kim Jong Un")
    counting.piece(20)
    assert counting.taken() == Tokens(0, 0)


def test_a_prompt_counts_whole_and_each_step_as_one(counting: CountingModel) -> None:
    counting.start(PROMPT)
    counting.advance(20)
    counting.advance(21)
    counting.advance(22)
    assert counting.taken() == Tokens(prompt=4, decoded=3)


def test_a_prefix_counts_each_time_and_every_token_of_every_path(counting: CountingModel) -> None:
    counting.start_after(PROMPT, QUESTION)
    counting.start_after(PROMPT, QUESTION)
    counting.explore([[20, 21], [22]], [20, 21])
    assert counting.taken() == Tokens(prompt=2 * (4 + 3), decoded=3)


def test_what_is_explored_is_the_models_own(counting: CountingModel) -> None:
    plain = fake()
    assert (counting.start_after(PROMPT, QUESTION) == plain.start_after(PROMPT, QUESTION)).all()
    for ours, theirs in zip(
        counting.explore([[20, 21], [22]], [5, 6]), plain.explore([[20, 21], [22]], [5, 6]), strict=True
    ):
        assert (ours == theirs).all()


def test_of_a_scored_continuation_the_last_token_is_not_evaluated(counting: CountingModel) -> None:
    counting.score(PROMPT, QUESTION)
    assert counting.taken() == Tokens(prompt=4 + 3 - 1)
    counting.score(PROMPT, QUESTION[:1])
    assert counting.taken() == Tokens(prompt=4)


def test_of_several_prefixes_each_counts_with_the_continuation(counting: CountingModel) -> None:
    counting.score_many([PROMPT, PROMPT[:2], PROMPT[:1]], QUESTION)
    assert counting.taken() == Tokens(prompt=(4 + 2) + (2 + 2) + (1 + 2))
    counting.score_many([], QUESTION)
    assert counting.taken() == Tokens()


def test_what_is_written_counts_as_decoded(counting: CountingModel) -> None:
    # The fake's vocabulary has «Kim», « la» and «ña» as one token each; the space before the last is another.
    counting.complete(PROMPT, GRAMMAR, 40)
    assert counting.taken() == Tokens(prompt=4, decoded=4)


def test_taking_the_counts_empties_them_and_does_not_touch_what_was_taken(counting: CountingModel) -> None:
    counting.start(PROMPT)
    first = counting.taken()
    assert counting.taken() == Tokens()
    counting.start(QUESTION)
    counting.advance(20)
    assert (first, counting.taken()) == (Tokens(4, 0), Tokens(3, 1))


# --- against what the engine really evaluates


class Recording(Engine):
    """Counts every token that llama.cpp evaluates."""

    evaluated = 0

    def evaluate(self, tokens: Sequence[int], position: int, outputs: int) -> list[NDArray[np.float32]]:
        self.evaluated += len(tokens)
        return super().evaluate(tokens, position, outputs)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, Model]:
    path = write_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")
    native = load(path, 512, THREADS, None)
    engine = Recording(native)
    return engine, LlamaModel(engine, path, native.context_tokens, THREADS)


def test_the_counts_are_what_the_engine_evaluates(recorded: tuple[Recording, Model]) -> None:
    engine, model = recorded
    counting = CountingModel(model)
    for call in (
        lambda: counting.start(PROMPT),
        lambda: counting.advance(20),
        lambda: counting.score(PROMPT, QUESTION),
        lambda: counting.score_many([PROMPT, PROMPT[:1]], QUESTION),
        lambda: counting.complete(PROMPT, GRAMMAR, 6),
        lambda: counting.complete(PROMPT, 'root ::= "Kim"', 6),
    ):
        engine.evaluated = 0
        call()
        counted = counting.taken()
        assert counted.prompt + counted.decoded == engine.evaluated


def test_a_prompt_that_does_not_fit_is_refused_as_before(recorded: tuple[Recording, Model], tmp_path: Path) -> None:
    engine, model = recorded
    engine.evaluated = 0
    with pytest.raises(ContextError):
        CountingModel(model).start([10] * 513)
    assert engine.evaluated == 0
