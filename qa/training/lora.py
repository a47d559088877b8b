"""LoRA: small trainable additions to a frozen model, written as a GGUF adapter.

A linear layer with weights W answers W x + alpha / rank * B A x; only A (rank, inputs) and B (outputs, rank) are
trained (Hu et al. 2021, https://arxiv.org/abs/2106.09685). llama.cpp reads the adapter beside its weights.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from qa.training.weights import LAYER_PARTS, permuted

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class LowRank(nn.Module):
    """A linear layer with its addition, which is zero until it is trained.

    In training mode a share `dropout` of the low-rank values is left out each time.
    """

    def __init__(
        self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        drawn = torch.randn(rank, linear.in_features, generator=generator)
        self.a = nn.Parameter(drawn / math.sqrt(linear.in_features))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (..., inputs) -> outputs (..., outputs)."""
        # The additions are kept in float32, or small steps would be rounded away, and used in the model's precision.
        inward, outward = self.a.to(inputs.dtype), (self.b * self.scale).to(inputs.dtype)
        frozen: torch.Tensor = self.linear(inputs)
        low = nn.functional.dropout(nn.functional.linear(inputs, inward), self.dropout, self.training)
        return torch.addmm(frozen.flatten(0, -2), low.flatten(0, -2), outward.T).view_as(frozen)


def add_lora(
    model: "LlamaForCausalLM", rank: int, alpha: float, seed: int = 0, dropout: float = 0.0
) -> list[nn.Parameter]:
    """Freezes the model, puts an addition on every linear layer of its blocks, and returns what is to be trained."""
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for _, parent, name in _projections(model):
        setattr(parent, name, LowRank(getattr(parent, name), rank, alpha, generator, dropout))
    model.train(model.training)  # new modules begin in training mode
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def write_adapter(model: "LlamaForCausalLM", path: Path, alpha: float) -> None:
    """Writes the additions of a model as a GGUF adapter, in float16."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    queries = int(model.config.num_attention_heads)
    heads = {"attn_q": queries, "attn_k": int(model.config.num_key_value_heads or queries)}
    for tensor, parent, name in _projections(model):
        addition = getattr(parent, name)
        outputs = addition.b.detach().cpu().float().numpy()
        part = tensor.rpartition(".")[2]
        if part in heads:
            outputs = permuted(outputs, heads[part])
        inputs = addition.a.detach().cpu().float().numpy()
        writer.add_tensor(f"{tensor}.weight.lora_a", inputs.astype(np.float16))
        writer.add_tensor(f"{tensor}.weight.lora_b", np.ascontiguousarray(outputs).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _projections(model: "LlamaForCausalLM") -> Iterator[tuple[str, nn.Module, str]]:
    """Every linear layer of the blocks: its GGUF name («blk.3.attn_q»), the module that holds it, its name there."""
    for number, block in enumerate(model.model.layers):
        for part, place in LAYER_PARTS.items():
            holder, _, name = place.rpartition(".")
            if holder:
                yield f"blk.{number}.{part}", block.get_submodule(holder), name
