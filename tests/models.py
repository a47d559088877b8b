"""Models with weights, loaded once for the whole test run."""

import tempfile
from functools import cache
from pathlib import Path

from qa.model import LlamaModel
from qa.model_files import find_bundled_model
from tests.tiny_gguf import FAMILIES, write_model

THREADS = 1  # a busy machine makes threads wait for one another


@cache
def bundled_model() -> LlamaModel:
    """The model that is installed with the program."""
    return LlamaModel.open(find_bundled_model(), threads=THREADS)


@cache
def tiny_model(family: str = "chatml", context_tokens: int = 2048, add_bos: bool = False) -> LlamaModel:
    """A random model of one family of chat template; see `tests.tiny_gguf`."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_model(Path(folder) / f"{family}.gguf", FAMILIES[family], add_bos=add_bos)
        return LlamaModel.open(path, context_tokens, threads=THREADS)
