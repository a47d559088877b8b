"""The pipeline from a question to a proven answer, and the object that keeps what it needs between questions."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from index import build, corpus, store
from index.build import Changes, Progress
from index.chunker import ChunkerSettings
from index.embedder import BUNDLED, Embedder, open_embedder
from index.errors import CorpusError
from index.generation import StoredIndex
from index.search import search
from index.spanish import is_english
from index.types import Document, Hit
from qa.citations import Verified, verify
from qa.intent import absent_years, checked, intent_of
from qa.model import LlamaModel, Model, file_digest, find_bundled_model
from qa.overview import summarise
from qa.ranking import Ranker, load_ranker
from qa.reader import Reading, read_composing, read_run, read_sentences
from qa.settings import Settings
from qa.types import Answer, Citation, Reason

NO_ANSWER = "No consta."
GREETING = "Hola. Pregunte algo que puedan decir los artículos, o pida «resume el artículo 1»."
ADAPTER = "adapters/reader.gguf"
_CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """What reading came to, before it becomes a record."""

    verified: Verified
    confidence: float | None
    reason: Reason | None = None
    hits: tuple[Hit, ...] = ()
    notices: tuple[str, ...] = ()
    understood: str | None = None


class Assistant:
    """Answers questions about one folder of articles. Models and index are opened when first needed and kept."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder | None = None,
        model: Model | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings
        self.index_dir = settings.index_dir or store.default_index_dir(settings.corpus)
        self.changes: Changes | None = None
        self._given_embedder, self._given_model = embedder, model
        self._progress = progress
        self._index: StoredIndex | None = None

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model that was named, or the installed one."""
        return self._given_embedder or open_embedder(self.settings.embedder or BUNDLED)

    @cached_property
    def adapter(self) -> Path | None:
        """The trained adapter for the installed reader, where this version ships one."""
        path = Path(__file__).parent / ADAPTER
        return path if path.is_file() and not self.settings.model else None

    @cached_property
    def model(self) -> Model:
        """The reading model that was named, or the installed one with its adapter."""
        if self._given_model is not None:
            return self._given_model
        return LlamaModel.open(self.model_path, _CONTEXT_TOKENS, self.settings.threads, self.adapter)

    @property
    def model_path(self) -> Path:
        """The weights file that was named, or the installed one."""
        return Path(self.settings.model).expanduser() if self.settings.model else find_bundled_model()

    @cached_property
    def model_identity(self) -> str:
        """Name and digest of the reading model and how it reads; the model need not be loaded for it."""
        given = self._given_model
        name, digest = (given.name, given.digest) if given else (self.model_path.name, file_digest(self.model_path))
        return f"{name} {digest[:12]} {self.reader}"

    @cached_property
    def ranker(self) -> Ranker:
        """The fitted weights."""
        return load_ranker()

    @property
    def reader(self) -> str:
        """`copying` for the installed model, `composing` for any other, unless the settings say which."""
        if self.settings.reader != "auto":
            return self.settings.reader
        return "composing" if self.settings.model else "copying"

    def index(self, rebuild: bool = False) -> StoredIndex:
        """The index of the folder as it is now, brought up to date if files have changed since."""
        if rebuild or self._index is None or build.is_stale(self._index, self.settings.corpus):
            self._index, self.changes = build.update(
                self.settings.corpus, self.index_dir, self.embedder, ChunkerSettings(), self._progress, rebuild
            )
        return self._index

    def search(self, question: str) -> tuple[Hit, ...]:
        """The passages most likely to answer a question, best first."""
        return self._search(question, self.index())

    def _search(self, question: str, index: StoredIndex) -> tuple[Hit, ...]:
        vector = self.embedder.encode([question])[0]
        return tuple(search(question, vector, index.passages, index.lexical, index.dense, self.settings.top_k))

    def ask(self, question: str, identity: str = "q1") -> Answer:
        """One question's way to its record. Raises `UserError` kinds for what a user can mend."""
        began = time.perf_counter()
        text = checked(question)
        index = self.index()
        intent = intent_of(text, index.documents)
        searched = time.perf_counter()
        if intent.kind == "greeting":
            found = Found(Verified(GREETING, (), ()), None)
        elif intent.kind == "overview":
            found = overview(index, intent.documents)
        else:
            hits = self._search(text, index)
            searched = time.perf_counter()
            found = self._read(text, index, hits)
        require_unchanged(self.settings.corpus, found.verified.citations)
        ended = time.perf_counter()
        seconds = {"search": searched - began, "read": ended - searched, "total": ended - began}
        return self._record(identity, text, found, index, seconds)

    def _read(self, question: str, index: StoredIndex, hits: tuple[Hit, ...]) -> Found:
        documents = {document.id: document for document in index.documents}
        absent = absent_years(question, index.documents)
        if absent:
            return refusal("outside_dates", hits, 0.0, (f"no article mentions {', '.join(absent)}",))
        reading = self._reading(question, index, hits)
        notices = (f"{reading.dropped} passages did not fit the model's context",) if reading.dropped else ()
        if reading.objection or not reading.draft.parts:
            return refusal(reading.objection or "no_evidence", hits, reading.fallback.confidence, notices)
        return replace(proven(reading, documents, hits), notices=notices)

    def _reading(self, question: str, index: StoredIndex, hits: Sequence[Hit]) -> Reading:
        read = read_composing
        if self.reader == "copying":
            read = read_run if self.adapter else read_sentences
        return read(self.model, question, hits, index.lexical, self.ranker)

    def _record(
        self, identity: str, question: str, found: Found, index: StoredIndex, seconds: Mapping[str, float]
    ) -> Answer:
        confidence = found.confidence
        return Answer(
            id=identity,
            question=question,
            understood=found.understood,
            text=found.verified.text,
            abstained=found.reason is not None,
            reason=found.reason,
            confidence=None if confidence is None else round(confidence, 4),
            citations=found.verified.citations,
            rejected=found.verified.rejected,
            hits=found.hits,
            model=self.model_identity,
            index=index.manifest.fingerprint[:16],
            seconds={stage: round(value, 3) for stage, value in seconds.items()},
            notices=found.notices,
        )


def overview(index: StoredIndex, documents: Sequence[Document]) -> Found:
    """The sentences that say most of these articles, cited like any answer."""
    wanted = {document.id: document for document in documents}
    draft = summarise([passage for passage in index.passages if passage.document_id in wanted])
    if not draft.parts:
        return refusal("no_evidence", (), 0.0, ("no sentence is long enough to sum anything up",))
    names = "los artículos" if len(wanted) > 1 else documents[0].file
    return Found(verify(draft, wanted), 1.0, understood=f"Resumen de {names}")


def proven(reading: Reading, documents: Mapping[str, Document], hits: tuple[Hit, ...]) -> Found:
    """What of a reading its evidence holds; the best quotation where nothing of it does."""
    # Across languages only numbers and names can be compared word by word.
    translated = is_english(" ".join(part.text for part in reading.draft.parts))
    verified = verify(reading.draft, documents, translated)
    if not verified.citations:
        quoted = verify(reading.fallback, documents)
        verified = replace(quoted, rejected=(*verified.rejected, *quoted.rejected))
    if not verified.citations:
        return replace(
            refusal("unsupported", hits, reading.draft.confidence), verified=replace(verified, text=NO_ANSWER)
        )
    return Found(verified, reading.fallback.confidence, hits=hits)


def refusal(reason: Reason, hits: tuple[Hit, ...], confidence: float, notices: tuple[str, ...] = ()) -> Found:
    """The answer "No consta.", and why; the nearest passages stay in the record."""
    return Found(Verified(NO_ANSWER, (), ()), confidence, reason, hits, notices)


def require_unchanged(root: Path, citations: Sequence[Citation]) -> None:
    """Reads each cited file once more: a quotation is proven only if it stands there now.

    Raises `CorpusError` if one does not.
    """
    for citation in citations:
        try:
            document = corpus.read(root, citation.file)
        except (OSError, corpus.NotTextError) as error:
            raise CorpusError(f"{citation.file} is gone ({error})", "the file that was cited", "ask again") from error
        if document.sha256 != citation.sha256 or document.text[citation.start : citation.end] != citation.quote:
            raise CorpusError(f"{citation.file} changed while it was read", "a file at rest", "ask again")
