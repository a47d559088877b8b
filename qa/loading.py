"""A weights file made ready: path and sizes enter; llama.cpp's own handles leave, or a `ModelError` that says why not.

`llama_cpp` is imported inside a function so that commands which answer nothing stay fast. The high-level `Llama` class
of that library is not used: it reuses cached prefixes silently, builds caches nobody asked for and prints.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qa.errors import ModelError

BATCH_TOKENS = 512  # fixed: how a prompt is split decides the last digits of its logits
_MAGIC = b"GGUF"
_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR


class _Log:
    """Receives what llama.cpp would print on standard error; keeps the errors for our own messages."""

    def __init__(self, library: Any) -> None:
        self.errors: list[str] = []
        # The library keeps only the address of the callback, so this reference must outlive every call.
        self._callback = library.llama_log_callback(self._receive)
        library.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _receive(self, level: int, text: bytes, _data: object) -> None:
        if level == _LOG_ERROR:
            self.errors.append(text.decode("utf-8", "replace").strip())

    def reason(self) -> str:
        """The first error since the last call, without the C functions it passed through."""
        first = self.errors[0] if self.errors else "no reason given"
        self.errors.clear()
        return first.rsplit("error loading model: ")[-1].rsplit("failed to apply lora adapter: ")[-1][:200]


@contextmanager
def _short_spinning() -> Iterator[None]:
    """Has OpenMP threads sleep after a short wait for one another, unless the user chose how they wait.

    By default they spin: on a machine with other work, that is up to 20 times slower. Read when the library is loaded,
    so it need not stand in the environment afterwards.
    """
    chosen = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
    if not chosen:
        os.environ["GOMP_SPINCOUNT"] = "600"
    try:
        yield
    finally:
        if not chosen:
            del os.environ["GOMP_SPINCOUNT"]


@cache
def _library() -> tuple[Any, _Log]:
    with _short_spinning():
        import llama_cpp

    log = _Log(llama_cpp)
    llama_cpp.llama_backend_init()
    return llama_cpp, log


@dataclass(frozen=True)
class Native:
    """The library and its handles. The owner calls `free`, once."""

    library: Any
    model: Any
    context: Any
    context_tokens: int


def load(path: Path, context_tokens: int, threads: int, lora: Path | None, branches: int = 0) -> Native:
    """Load weights, and an adapter over them, with room for `context_tokens` or as many as the model was trained for.

    `branches` is how many continuations of one text can be evaluated side by side.

    Raises `ModelError` for a file that is missing, no GGUF, incomplete, of a model that does not write text, or an
    adapter made for another model.
    """
    _check_magic(path, "the model file", "name another with --model")
    if lora is not None:
        _check_magic(lora, "the adapter file", "leave the adapter out or name another")
    library, log = _library()
    log.errors.clear()
    model = _load_model(library, log, path)
    try:
        _check_kind(library, model, path)
        room = min(context_tokens, library.llama_model_n_ctx_train(model))
        context = _open_context(library, log, model, path, room, threads, branches)
    except ModelError:
        library.llama_model_free(model)
        raise
    native = Native(library, model, context, room)
    if lora is not None:
        _adapt(native, log, path, lora)
    return native


def beside(native: Native, path: Path, threads: int, branches: int) -> Native:
    """Another context over the same weights, as large; to be given back by `free_context`, before the first one.

    Raises `ModelError` where there is no room for it.
    """
    library, log = _library()
    log.errors.clear()
    context = _open_context(library, log, native.model, path, native.context_tokens, threads, branches)
    return Native(library, native.model, context, native.context_tokens)


def free(native: Native) -> None:
    """Give the memory back; the context must go before its model, and adapters go with the model."""
    free_context(native)
    native.library.llama_model_free(native.model)


def free_context(native: Native) -> None:
    """Give back what was taken by `beside`."""
    native.library.llama_free(native.context)


def metadata(library: Any, model: Any, key: str) -> str | None:
    """A metadata value of the file, as text; `None` where the file has no such key."""
    size = library.llama_model_meta_val_str(model, key.encode(), ctypes.create_string_buffer(1), 1)
    if size < 0:
        return None
    buffer = ctypes.create_string_buffer(size + 1)
    library.llama_model_meta_val_str(model, key.encode(), buffer, size + 1)
    return buffer.value.decode("utf-8", "replace")


def _check_magic(path: Path, subject: str, action: str) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelError(f"{subject} {path} cannot be read ({error.strerror})", "a GGUF file", action) from error
    if magic != _MAGIC:
        raise ModelError(f"{subject} {path} is not in GGUF form", "a GGUF file", action)


def _load_model(library: Any, log: _Log, path: Path) -> Any:
    params = library.llama_model_default_params()
    params.n_gpu_layers = 0
    if _has_amx(library):
        # Compiled with some compilers, its AMX kernels end the process (ggml-org/llama.cpp#26954). They hang on these
        # buffers, which the formats that the reader is prepared in do not need.
        params.use_extra_bufts = False
    model = library.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ModelError(
            f"the model file {path} cannot be loaded ({log.reason()})",
            "a complete GGUF file of a chat model",
            "download it again, or name another with --model",
        )
    return model


def _has_amx(library: Any) -> bool:
    return b"AMX" in library.llama_print_system_info()


def _check_kind(library: Any, model: Any, path: Path) -> None:
    architecture = metadata(library, model, "general.architecture") or "unknown"
    causal = metadata(library, model, f"{architecture}.attention.causal") != "false"
    if not causal or library.llama_model_has_encoder(model) or not library.llama_model_has_decoder(model):
        raise ModelError(
            f"the model file {path} ({architecture}) does not write text",
            "a GGUF file of a chat model",
            "name another with --model",
        )


def _open_context(library: Any, log: _Log, model: Any, path: Path, room: int, threads: int, branches: int) -> Any:
    params = library.llama_context_default_params()
    params.n_ctx = room
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.n_threads = params.n_threads_batch = threads
    # With flash attention the logits depend on how a prompt was split.
    params.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.no_perf = True
    if branches:
        # In one common memory a branch costs only its own tokens.
        params.n_seq_max = branches + 1
        params.kv_unified = True
    context = library.llama_init_from_model(model, params)
    if not context:
        raise ModelError(
            f"no room for {room} tokens of context of {path} ({log.reason()})",
            "enough memory for the model",
            "name a smaller model with --model",
        )
    return context


def _adapt(native: Native, log: _Log, path: Path, lora: Path) -> None:
    adapter = native.library.llama_adapter_lora_init(native.model, os.fsencode(lora))
    if adapter:
        adapters = (native.library.llama_adapter_lora_p_ctypes * 1)(adapter)
        scales = (ctypes.c_float * 1)(1.0)
        if native.library.llama_set_adapters_lora(native.context, adapters, 1, scales) == 0:
            return
    free(native)
    raise ModelError(
        f"the adapter {lora} does not fit {path.name} ({log.reason()})",
        "a LoRA adapter in GGUF form made for this model",
        "leave the adapter out or name another",
    )
