"""An adapter as it was trained is the one that llama.cpp runs; untrained it changes nothing."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LlamaForCausalLM

from qa.model import LlamaModel
from qa.training.lora import LowRank, add_lora, write_adapter
from qa.training.weights import load_weights
from tests.models import THREADS
from tests.tiny_gguf import LAYERS, write_model

TOKENS = [77, 116, 113, 102, 49, 37]
RANK, ALPHA = 2, 8.0


def logprobs(model: LlamaForCausalLM) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits = model(torch.tensor([TOKENS])).logits[0, -1]
    found: NDArray[np.float32] = torch.log_softmax(logits, -1).numpy()
    return found


def trained(path: Path) -> LlamaForCausalLM:
    """The model with additions that are not zero, of values that float16 holds."""
    model = load_weights(path)
    generator = torch.Generator().manual_seed(3)
    for parameter in add_lora(model, RANK, ALPHA):
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.2).half().float()
    return model


def test_untrained_it_changes_nothing_and_only_it_is_trained(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    model = load_weights(path)
    before = logprobs(model)
    parameters = add_lora(model, RANK, ALPHA)
    assert (logprobs(model) == before).all()
    assert len(parameters) == LAYERS * 7 * 2
    assert {id(it) for it in parameters} == {id(it) for it in model.parameters() if it.requires_grad}


def test_llama_cpp_runs_what_was_trained(tmp_path: Path) -> None:
    path, adapter = write_model(tmp_path / "tiny.gguf"), tmp_path / "adapter.gguf"
    model = trained(path)
    write_adapter(model, adapter, ALPHA)
    plain, adapted = LlamaModel.open(path, threads=THREADS), LlamaModel.open(path, threads=THREADS, lora=adapter)
    change = np.abs(adapted.start(TOKENS) - plain.start(TOKENS)).max()
    assert change > 1
    assert np.abs(logprobs(model) - adapted.start(TOKENS)).max() < 0.05
    plain.close()
    adapted.close()


def test_a_step_of_training_lowers_the_loss(tmp_path: Path) -> None:
    model = load_weights(write_model(tmp_path / "tiny.gguf"))
    optimiser = torch.optim.AdamW(add_lora(model, RANK, ALPHA), lr=0.01)
    tokens = torch.tensor([TOKENS])
    losses = []
    for _ in range(5):
        loss = model(tokens, labels=tokens).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_the_same_seed_gives_the_same_start() -> None:
    linear = torch.nn.Linear(4, 3)
    one, same, other = (LowRank(linear, 2, 4.0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert (one.a == same.a).all() and not (one.a == other.a).all()


def test_what_is_left_out_is_left_out_in_training_alone(tmp_path: Path) -> None:
    model = load_weights(write_model(tmp_path / "tiny.gguf"))
    for parameter in add_lora(model, RANK, ALPHA, dropout=0.5):
        parameter.data = torch.ones_like(parameter) * 0.1
    assert (logprobs(model) == logprobs(model)).all()
    model.train()
    assert not (logprobs(model) == logprobs(model)).all()
