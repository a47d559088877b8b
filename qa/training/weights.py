"""A GGUF file of the Llama family -> a PyTorch model with float weights, to be trained. Tokens stay llama.cpp's.

Quantised weights are expanded once: transformers, which can read such files too, keeps them packed and is slow then.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

Floats = NDArray[np.float32]
LAYER_PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
"""Tensors of a block by the part of their GGUF name after «blk.N.», as transformers calls them."""
_OUTER_PARTS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def load_weights(path: Path) -> "LlamaForCausalLM":
    """The model of a GGUF file with float32 weights, in evaluation mode.

    Raises `ValueError` for a file of another architecture, or one whose tensors are not those of such a model.
    """
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from transformers import LlamaForCausalLM

    reader = GGUFReader(path)
    facts = {key: field.contents() for key, field in reader.fields.items() if key.startswith(("llama.", "general."))}
    if facts.get("general.architecture") != "llama":
        raise ValueError(f"{path.name}: architecture {facts.get('general.architecture')}, expected llama")
    heads = {"attn_q": facts["llama.attention.head_count"], "attn_k": facts["llama.attention.head_count_kv"]}
    weights = {}
    for tensor in reader.tensors:
        name, part = _name(tensor.name)
        values: Floats = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        weights[name] = torch.from_numpy(unpermuted(values, heads[part]) if part in heads else values)
    model = LlamaForCausalLM(
        _configuration(facts, len(weights["model.embed_tokens.weight"]), "lm_head.weight" in weights)
    )
    weights.setdefault("lm_head.weight", weights["model.embed_tokens.weight"])
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path.name}: {error}") from error
    model.train(False)
    return model


def _name(name: str) -> tuple[str, str]:
    """What transformers calls a tensor, and which part of a layer it is, empty for one outside the layers.

    >>> _name("blk.3.attn_q.weight")
    ('model.layers.3.self_attn.q_proj.weight', 'attn_q')
    """
    match name.split("."):
        case ["blk", number, part, "weight"] if part in LAYER_PARTS:
            return f"model.layers.{number}.{LAYER_PARTS[part]}.weight", part
    if name not in _OUTER_PARTS:
        raise ValueError(f"a tensor {name}, which a Llama model does not have")
    return _OUTER_PARTS[name], ""


def unpermuted(weights: Floats, heads: int) -> Floats:
    """The rows (heads * size, inputs) of a query or key projection in the order of transformers.

    llama.cpp rotates neighbouring rows of a head, transformers a row of its first half with one of its second: GGUF has
    the halves interleaved.

    >>> unpermuted(np.array([[0], [2], [1], [3]], np.float32), 1).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    rows, inputs = weights.shape
    pairs = weights.reshape(heads, rows // heads // 2, 2, inputs)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, inputs))


def permuted(weights: Floats, heads: int) -> Floats:
    """The inverse of `unpermuted`: rows as llama.cpp wants them."""
    rows, inputs = weights.shape
    halves = weights.reshape(heads, 2, rows // heads // 2, inputs)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, inputs))


def _configuration(facts: dict[str, Any], vocabulary: int, has_output: bool) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=facts["llama.embedding_length"],
        intermediate_size=facts["llama.feed_forward_length"],
        num_hidden_layers=facts["llama.block_count"],
        num_attention_heads=facts["llama.attention.head_count"],
        num_key_value_heads=facts["llama.attention.head_count_kv"],
        rms_norm_eps=facts["llama.attention.layer_norm_rms_epsilon"],
        max_position_embeddings=facts["llama.context_length"],
        rope_parameters={"rope_type": "default", "rope_theta": facts.get("llama.rope.freq_base", 10_000.0)},
        tie_word_embeddings=not has_output,
    )
