"""What several rows stand on, made when the first of them needs it: models, the articles, the large corpus."""

import shutil
from functools import cached_property, partial
from pathlib import Path

from eval.bench.corpus import MadeCorpus, made_corpus
from eval.bench.processes import ROOT
from eval.question_set import read_question_set
from eval.types import Question
from index import build
from index.chunker import ChunkerSettings
from index.embedder import SentenceTransformerEmbedder
from index.errors import IndexDamagedError, IndexMismatchError
from index.generation import StoredIndex
from qa.answer import Assistant
from qa.model import LlamaModel
from qa.opening import known_embedder
from qa.settings import Settings

PASSAGES = 5_000
QUESTION = "¿Qué le regaló Putin a Kim en febrero?"


class Ground:
    """`folder` is where everything lies that can be made anew; `runs` overrides how often each row is measured."""

    def __init__(self, folder: Path, passages: int = PASSAGES, runs: int | None = None) -> None:
        self.folder = folder
        self.passages = passages
        self._runs = runs

    def runs(self, usual: int) -> int:
        """How many pairs of a row are measured: as many as usual unless a number was named."""
        return self._runs or usual

    @cached_property
    def settings(self) -> Settings:
        """The program as it is installed, on the articles in `seeds/`, with an index of its own."""
        return Settings(corpus=ROOT / "seeds", index_dir=self.seeds_index)

    @property
    def seeds_index(self) -> Path:
        """Where the index of the articles lies."""
        return self.folder / "seeds-index"

    def clear(self) -> None:
        """Makes the folder, and removes the small index from it: one of another version would not be read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.seeds_index, ignore_errors=True)

    @property
    def options(self) -> tuple[str, ...]:
        """The same settings as options of a command."""
        return ("--corpus", str(self.settings.corpus), "--index-dir", str(self.settings.index_dir))

    @cached_property
    def assistant(self) -> Assistant:
        """One that has everything open."""
        assistant = Assistant(self.settings)
        assistant.prepare()
        return assistant

    @property
    def model(self) -> LlamaModel:
        """The assistant's reading model."""
        model = self.assistant.model
        if not isinstance(model, LlamaModel):
            raise TypeError(f"not a model of llama.cpp: {type(model).__name__}")
        return model

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The project's own questions on these articles."""
        return read_question_set(None)

    @cached_property
    def embedder(self) -> SentenceTransformerEmbedder:
        """The installed embedding model."""
        return known_embedder(self.settings)

    @cached_property
    def corpus(self) -> MadeCorpus:
        """The large corpus."""
        return made_corpus(self.folder, self.passages)

    @cached_property
    def stored(self) -> StoredIndex:
        """The index of the large corpus, kept from one run to the next."""
        folder = self.folder / f"corpus-{self.passages}-index"
        update = partial(build.update, self.corpus.folder, folder, self.embedder, ChunkerSettings())
        try:
            return update()[0]
        except (IndexMismatchError, IndexDamagedError):  # made by another version
            return update(rebuild=True)[0]
