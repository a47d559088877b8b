"""Writes tiny llama models with random weights as GGUF files, one for each family of chat template.

Two layers, 32 dimensions, a byte-level vocabulary of 256 bytes, four joined pairs and the control tokens. What they
write means nothing; how they are asked, and what bounds their writing, can be tested on them in milliseconds.
"""

from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
ADDED_TOKENS = ("<think>", "</think>")  # of the kind that is recognised even where control tokens are off
MERGES = ("Ġ l", "Ġ c", "o n", "o s")
WIDTH, LAYERS, CONTEXT_TOKENS = 32, 2, 2048

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM_ROLE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>model\n' }}"
)
SILENT_ABOUT_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "<|im_start|>user\n{{ message['content'] }}<|im_end|>\n{% endif %}{% endfor %}{{ '<|im_start|>assistant\n' }}"
)
SWITCHED_THINKING = CHATML + "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
OPENED_THINKING = CHATML + "{{ '<think>\n' }}"
FAMILIES = {
    "chatml": CHATML,
    "no-system-role": NO_SYSTEM_ROLE,
    "silent-about-system": SILENT_ABOUT_SYSTEM,
    "switched-thinking": SWITCHED_THINKING,
    "opened-thinking": OPENED_THINKING,
    "no-template": None,
}


def write_model(path: Path, template: str | None = CHATML, seed: int = 0, add_bos: bool = False) -> Path:
    """One model file; the same seed gives the same bytes."""
    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_vocab_size(len(tokens))
    add_tokenizer(writer, tokens, template, add_bos)
    for name, array in tensors(len(tokens), np.random.default_rng(seed)).items():
        writer.add_tensor(name, array)
    return _finish(writer, path)


def write_adapter(path: Path, width: int = WIDTH, seed: int = 1) -> Path:
    """A LoRA adapter of rank 2 for the query weights; another `width` than the model's fits no model here."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for layer in range(LAYERS):
        writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_a", _normal(random, 2, width))
        writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_b", _normal(random, width, 2))
    return _finish(writer, path)


def vocabulary() -> list[str]:
    """Control and added tokens, the 256 bytes in GPT-2's printable spelling, and the joined pairs."""
    return [*CONTROL_TOKENS, *ADDED_TOKENS, *_byte_spellings(), *(merge.replace(" ", "") for merge in MERGES)]


def add_tokenizer(writer: gguf.GGUFWriter, tokens: list[str], template: str | None, add_bos: bool) -> None:
    kinds = dict.fromkeys(CONTROL_TOKENS, gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(ADDED_TOKENS, gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in tokens])
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(add_bos)
    if template is not None:
        writer.add_chat_template(template)


def tensors(vocabulary_size: int, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    named = {
        "token_embd.weight": _normal(random, vocabulary_size, WIDTH),
        "output.weight": _normal(random, vocabulary_size, WIDTH),
        "output_norm.weight": np.ones(WIDTH, dtype=np.float32),
    }
    shapes = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH), "attn_v": (WIDTH // 2, WIDTH)}
    shapes |= {"attn_output": (WIDTH, WIDTH), "ffn_gate": (2 * WIDTH, WIDTH), "ffn_up": (2 * WIDTH, WIDTH)}
    shapes |= {"ffn_down": (WIDTH, 2 * WIDTH)}
    for layer in range(LAYERS):
        named |= {f"blk.{layer}.{name}.weight": _normal(random, *shape) for name, shape in shapes.items()}
        named |= {f"blk.{layer}.{norm}.weight": np.ones(WIDTH, dtype=np.float32) for norm in ("attn_norm", "ffn_norm")}
    return named


def _normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.normal(scale=0.5, size=shape).astype(np.float32)


def _byte_spellings() -> list[str]:
    """Byte values 0 to 255 as characters: themselves where printable, else 256 and up, as GPT-2's tokeniser has it."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = iter(range(256, 512))
    return [chr(value) if value in printable else chr(next(others)) for value in range(256)]


def _finish(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
