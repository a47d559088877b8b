"""The installed embedding model as sentence-transformers alone has it, with the weights that the program puts in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedder import SentenceTransformerEmbedder

_BATCH_TEXTS = 32


class BareModel:
    """A `SentenceTransformer` loaded from the embedder's folder, on the CPU."""

    def __init__(self, embedder: SentenceTransformerEmbedder) -> None:
        from safetensors.torch import load_file
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model: Any = SentenceTransformer(str(embedder.folder), device="cpu", local_files_only=True)
        model.tokenizer.split_special_tokens = True
        if embedder.weights is not None:
            weights = {name: value.float() for name, value in load_file(embedder.weights).items()}
            model[0].auto_model.load_state_dict(weights, strict=False)
        self._model = model

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (texts, dimension), in batches of 32."""
        vectors: NDArray[np.float32] = self._model.encode(
            list(texts), batch_size=_BATCH_TEXTS, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors
