"""The pipeline from a question to a proven answer, and the object that keeps what it needs between questions."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from index import store
from index.build import Changes, Progress
from index.embedder import Embedder
from index.generation import StoredIndex
from index.plain import plain
from index.search import search
from index.spanish import fold
from index.types import Hit
from qa.citations import Statement, Verified
from qa.conversation import completed, divide
from qa.coverage import coverage, speaks_of
from qa.current import CurrentIndex
from qa.intent import Intent, absent_years, checked, intent_of, is_greeting
from qa.model import Model, Shareable
from qa.model_files import file_digest
from qa.opening import accept_embedder, known_embedder, known_model, model_path
from qa.preparing import format_of
from qa.proof import NO_ANSWER, Found, Listener, merged, overview, proven, refusal, require_unchanged, spans_of, telling
from qa.ranking import Ranker, load_ranker
from qa.reader import Reader, read_composing, read_runs, read_sentences
from qa.rewriting import MOST_TURNS, rewritten
from qa.settings import Settings
from qa.types import Answer, Citation, Turn
from qa.wording import asks_more, dependence_of

# What finds passages for a question in place of the fused search, where something else is to be tried.
Retriever = Callable[[str, StoredIndex], Sequence[Hit]]
GREETING = "Hola. Pregunte algo que puedan decir los artículos, o pida «resume el artículo 1»."
ADAPTER = "adapters/reader.gguf"
LEAST_TOLD = 0.5
"""Share of a topic's words, by rarity, that an article must hold to be summed up as the one about it."""


class Assistant:
    """Answers questions about one folder of articles. Models and index are opened when first needed and kept."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder | None = None,
        model: Model | None = None,
        progress: Progress | None = None,
        retriever: Retriever | None = None,
        reading: Reader | None = None,
        preparing: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.index_dir = settings.index_dir or store.default_index_dir(settings.corpus)
        self._given_embedder, self._given_model = embedder, model
        self._retriever = retriever
        self._reading = reading
        self._preparing = preparing
        self._current = CurrentIndex(settings.corpus, self.index_dir, progress)

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model that was named, or the installed one."""
        return self._given_embedder or known_embedder(self.settings)

    @cached_property
    def adapter(self) -> Path | None:
        """The trained adapter for the installed model where that one copies, if this version ships one."""
        path = Path(__file__).parent / ADAPTER
        own = self._given_model is None and not self.settings.model and self.reader == "copying"
        return path if own and path.is_file() else None

    @cached_property
    def model(self) -> Model:
        """The reading model that was named, or the installed one with its adapter."""
        return self._given_model or known_model(self.settings, self.adapter, self._preparing)

    @cached_property
    def model_identity(self) -> str:
        """Name and digest of the reading model and how it reads.

        What this version prepares is opened for it, so that all records of a folder name the format it is read in.
        """
        given, path = self._given_model, model_path(self.settings)
        name, digest = (given.name, given.digest) if given else (path.name, file_digest(path))
        if self.adapter is None:
            return f"{name} {digest[:12]} {self.reader}"
        # What was merged is read in one of several formats, whose last digits differ.
        return f"{name} {digest[:12]}+{file_digest(self.adapter)[:12]} {format_of(self.model.path)} {self.reader}"

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

    @contextmanager
    def several(self, most: int) -> "Iterator[list[Assistant]]":
        """This assistant and others with the same index and models, at most so many, for as many threads of control.

        All give the same answers. There is only this one where a model was named, which may be large, or composes, or
        where there is a single thread.
        """
        own = self.model
        count = min(most, own.threads)
        if count < 2 or self.settings.model or self.reader != "copying" or not isinstance(own, Shareable):
            yield [self]
            return
        self.prepare()  # once for all
        with own.shared(count) as models:
            others = [copy(self) for _ in models[1:]]
            for other, model in zip(others, models[1:], strict=True):
                other.model = model
            yield [self, *others]

    def prepare(self) -> None:
        """Opens what a question needs, so that the first one is answered as fast as the next."""
        self._current.spelling(self.index())
        self.embedder.encode([NO_ANSWER])
        self.model.tokenize(NO_ANSWER)

    def index(self, rebuild: bool = False) -> StoredIndex:
        """The index of the folder as it is now, brought up to date if files have changed since."""
        index, renewed = self._current.get(self.embedder, rebuild)
        if renewed:
            accept_embedder(self.settings, self.embedder)
        return index

    @property
    def changes(self) -> Changes | None:
        """What was found when the index was last opened or renewed; None before that."""
        return self._current.changes

    @property
    def files(self) -> dict[str, str]:
        """The file name of each article by its document's id, as passages name it; of the index last used."""
        return {document.id: document.file for document in (self._current.last or self.index()).documents}

    def search(self, question: str) -> tuple[Hit, ...]:
        """The passages most likely to answer a question, best first, as they are written."""
        index = self.index()
        return _as_written(self._search(question, index), index)

    def _search(self, question: str, index: StoredIndex) -> tuple[Hit, ...]:
        if self._retriever is not None:
            return tuple(self._retriever(question, index))
        vector = self.embedder.encode([question])[0]
        return tuple(search(question, vector, index.passages, index.lexical, index.dense, self.settings.top_k))

    def ask(
        self,
        question: str,
        identity: str = "q1",
        history: Sequence[Turn | str] = (),
        listener: Listener | None = None,
    ) -> Answer:
        """One question's way to its record.

        `history` holds the turns before it, the oldest first; a bare question among them is answered first. `listener`
        hears what is certain before the answer is complete. Raises `UserError` kinds for what a user can mend.
        """
        began = time.perf_counter()
        text = checked(question)
        index = self.index()
        found = self._found(plain(text)[0], self._turns(history), index, listener)
        require_unchanged(self.settings.corpus, found.verified.citations)
        total = time.perf_counter() - began
        seconds = {"search": found.search_seconds, "read": total - found.search_seconds, "total": total}
        return self._record(identity, text, found, index, seconds)

    def _turns(self, history: Sequence[Turn | str]) -> list[Turn]:
        turns: list[Turn] = []
        for each in history:
            turns.append(each if isinstance(each, Turn) else self.ask(each, history=turns).turn)
        return turns

    def _found(self, text: str, turns: Sequence[Turn], index: StoredIndex, listener: Listener | None) -> Found:
        # A model that writes can answer two questions in one go.
        parts = divide(text) if self.reader == "copying" else [text]
        if len(parts) > 1:
            return self._several(parts, turns, index, listener)
        return self._one(text, turns, index, listener)

    def _one(self, text: str, turns: Sequence[Turn], index: StoredIndex, listener: Listener | None) -> Found:
        question = self._understood(text, turns, index)
        intent = intent_of(question, index.documents)
        if intent.kind == "greeting":
            return Found(Verified((Statement(GREETING),)), None)
        if intent.kind == "overview":
            return self._overview(intent, index)
        # An accent or a capital more is no other question.
        understood = question if fold(question) != fold(text) else None
        if listener is not None and understood is not None:
            listener.understood(understood)
        began = time.perf_counter()
        hits = self._search(question, index)
        searched = time.perf_counter() - began
        said = turns[-1].citations if turns and asks_more(text) else ()
        found = self._read(question, index, hits, said, listener)
        return replace(found, understood=understood, search_seconds=searched)

    def _overview(self, intent: Intent, index: StoredIndex) -> Found:
        """The summary of the articles that were named; of a topic, of the article with most of its names and words."""
        if not intent.topic:
            return overview(index, intent.documents)
        spoken = [(speaks_of(each.text, intent.topic, index.lexical), each) for each in intent.documents]
        (_, share), document = max(spoken, key=lambda pair: pair[0])
        if share < LEAST_TOLD:
            return refusal("no_evidence", self._search(intent.topic, index), 0.0)
        return overview(index, [document])

    def _several(
        self, parts: Sequence[str], turns: Sequence[Turn], index: StoredIndex, listener: Listener | None
    ) -> Found:
        """Several questions in one line, answered one by one, each also in the light of those before it."""
        found: list[Found] = []
        earlier = list(turns)
        for part in parts:
            each = self._one(part, earlier, index, listener)
            found.append(each)
            earlier.append(Turn(part, each.verified.text, each.verified.citations, each.understood))
        return merged(parts, found)

    def _understood(self, text: str, turns: Sequence[Turn], index: StoredIndex) -> str:
        """The question in the articles' spelling and with what it leaves out."""
        spelling = self._current.spelling(index)
        mended = spelling.mend(text).question
        # Thanks in between change no subject.
        asked = [turn for turn in turns if not is_greeting(turn.question)]
        if not asked or dependence_of(mended) == "none":
            return mended
        turns = [replace(turn, question=spelling.mend(turn.question).question) for turn in asked[-MOST_TURNS:]]
        if self.reader == "composing":
            written = rewritten(self.model, mended, turns)
            if written is not None:
                return written
        return completed(mended, turns, lambda wording: coverage(wording, index.passages, index.lexical)) or mended

    def _read(
        self,
        question: str,
        index: StoredIndex,
        hits: tuple[Hit, ...],
        said: Sequence[Citation],
        listener: Listener | None,
    ) -> Found:
        documents = index.by_id
        absent = absent_years(question, index.documents)
        if absent:
            return refusal("outside_dates", hits, 0.0, (f"no article mentions {', '.join(absent)}",))
        if self.reader == "composing":
            watch = telling(listener, documents, self.settings.corpus) if listener else None
            reading = read_composing(self.model, question, hits, index.lexical, self.ranker, watch)
        else:
            read = self._reading or (read_runs if self.adapter else read_sentences)
            reading = read(self.model, question, hits, index.lexical, self.ranker, spans_of(said, index.documents))
        hits = reading.hits or hits
        notices = (f"{reading.dropped} passages could not be read by the model",) if reading.dropped else ()
        if reading.objection or not reading.draft.parts:
            # What speaks against the best sentence is not in its probability: refused, it is under the threshold.
            confidence = min(reading.fallback.confidence, reading.threshold)
            return refusal(reading.objection or "no_evidence", hits, confidence, notices)
        return replace(proven(reading, documents, hits), notices=notices)

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
            hits=_as_written(found.hits, index),
            model=self.model_identity,
            index=index.manifest.fingerprint[:16],
            seconds={stage: round(value, 3) for stage, value in seconds.items()},
            notices=found.notices,
        )


def _as_written(hits: Sequence[Hit], index: StoredIndex) -> tuple[Hit, ...]:
    """The hits with offsets and text of the files that they stand in."""
    documents = index.by_id
    return tuple(replace(hit, passage=documents[hit.passage.document_id].as_written(hit.passage)) for hit in hits)
