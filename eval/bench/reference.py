"""The same pipeline on the libraries as they come, asked one question: `python -m eval.bench.reference`.

Embeds with sentence-transformers and reads with the quantised weights as they are installed, the adapter beside them.
Prints what `qa ask` prints.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import qa.answer
from index.embedder import SentenceTransformerEmbedder
from qa.answer import ADAPTER, Assistant
from qa.model import LlamaModel
from qa.model_files import find_bundled_model
from qa.opening import known_embedder
from qa.reader import read_runs
from qa.render import print_answer
from qa.settings import Settings
from qa.terminal import console

_CONTEXT_TOKENS = 4096


class LibraryEmbedder:
    """An embedder that always goes through sentence-transformers; its vectors are those of the same index."""

    def __init__(self, embedder: SentenceTransformerEmbedder) -> None:
        self.name = embedder.name
        self.digest = embedder.digest
        self._embedder = embedder

    @property
    def dimension(self) -> int:
        """See `Embedder`."""
        return self._embedder.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`."""
        return self._embedder.encode_many(texts)


def reference(settings: Settings) -> Assistant:
    """An assistant that answers the same way with the libraries' own means."""
    adapter = Path(qa.answer.__file__).parent / ADAPTER
    model = LlamaModel.open(find_bundled_model(), _CONTEXT_TOKENS, settings.threads, adapter, branching=True)
    return Assistant(settings, LibraryEmbedder(known_embedder(settings)), model, reading=read_runs)


def main() -> None:
    """Print the answer to the question."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.reference")
    parser.add_argument("question")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--index-dir", type=Path, required=True)
    given = parser.parse_args()
    settings = Settings(corpus=given.corpus, index_dir=given.index_dir)
    assistant = reference(settings)
    answer = assistant.ask(given.question)
    print_answer(console(), answer, assistant.files, settings.corpus)


if __name__ == "__main__":
    main()
