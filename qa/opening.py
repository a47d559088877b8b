"""Settings -> the models that they name, opened only if they are as they were made or first used.

What comes with the program has to be what this version was made with; a model that was named, what it was when it was
first used. Raises `ModelError` and `EmbedderError`; nothing here knows what is done with a model.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from index import store
from index.embedder import BUNDLED, GRAPH, Embedder, SentenceTransformerEmbedder, open_embedder
from qa.ledger import Ledger, require_installed, state_folder
from qa.model import LlamaModel
from qa.model_files import file_digest, find_bundled_model
from qa.preparing import fastest_of, prepare
from qa.settings import Settings

_CONTEXT_TOKENS = 4096


def known_embedder(settings: Settings) -> SentenceTransformerEmbedder:
    """The embedding model that was named, or the installed one."""
    opened = open_embedder(settings.embedder or BUNDLED)
    if settings.embedder:
        Ledger(state_folder()).require(opened.folder, opened.digest)
    else:
        require_installed("embedding model", opened.digest)
        require_installed("graph of the embedding model", file_digest(GRAPH))
    return opened


def accept_embedder(settings: Settings, embedder: Embedder) -> None:
    """Takes note of a named embedding model once it has proved to be one."""
    if settings.embedder and isinstance(embedder, SentenceTransformerEmbedder):
        Ledger(state_folder()).accept(embedder.folder, embedder.digest)


def known_model(settings: Settings, adapter: Path | None, preparing: Callable[[], None] | None = None) -> LlamaModel:
    """The reading model that was named, or the installed one with its adapter merged into it.

    `preparing` is called where that has to be done first.
    """
    path = model_path(settings)
    digest = file_digest(path)
    if settings.model:
        ledger = Ledger(state_folder())
        ledger.require(path, digest)
        opened = LlamaModel.open(path, _CONTEXT_TOKENS, settings.threads)
        ledger.accept(path, digest)
        return opened
    require_installed("reading model", digest)
    if adapter is None:
        return LlamaModel.open(path, _CONTEXT_TOKENS, settings.threads)
    require_installed("adapter of the reading model", file_digest(adapter))
    return _prepared(settings, path, adapter, preparing)


def model_path(settings: Settings) -> Path:
    """The weights file that was named, or the installed one."""
    return Path(settings.model).expanduser() if settings.model else find_bundled_model()


def _prepared(settings: Settings, weights: Path, adapter: Path, preparing: Callable[[], None] | None) -> LlamaModel:
    def fastest(paths: Sequence[Path]) -> int:
        return fastest_of(paths, settings.threads)

    try:
        merged = prepare(weights, adapter, store.cache_folder() / "models", fastest, preparing)
    except OSError:  # the cache cannot be written: for this process alone, in the format of all such processes
        with TemporaryDirectory(prefix="consta-", ignore_cleanup_errors=True) as folder:
            merged = prepare(weights, adapter, Path(folder))
            return LlamaModel.open(merged, _CONTEXT_TOKENS, settings.threads, branching=True)
    return LlamaModel.open(merged, _CONTEXT_TOKENS, settings.threads, branching=True)
