"""What the assistant must be better than: simple systems over the same index, with records of the same form.

They know no conversation; a question with a history is searched together with the questions before it.
"""

import re
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.systems import failed
from eval.types import Question, Record
from index.embedder import Embedder, as_installed
from index.lexical import LexicalIndex
from index.spanish import sentences
from index.types import Document, Passage
from qa.answer import Assistant
from qa.errors import ContextError
from qa.opening import model_path
from qa.prompt import fill, load_template
from qa.proof import NO_ANSWER

_SHOWN = 5
_NAIVE_PASSAGES = 4
_NAIVE_TOKENS = 128
_NAIVE_CONTEXT = 4096
_MARKER = re.compile(r"\[(\d+)\]")
_REFUSES = re.compile(r"\bno consta\b", re.IGNORECASE)


class BestSentence:
    """The sentence of the articles that BM25 puts first. It never refuses.

    Its confidence is its BM25 score s as 1 - exp(-s / 10): only the order of these means anything.
    """

    name = "best BM25 sentence"

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    @cached_property
    def _places(self) -> list[Passage]:
        return _sentences_of(self._assistant.index().documents)

    @cached_property
    def _lexical(self) -> LexicalIndex:
        return LexicalIndex.build([place.text for place in self._places])

    def prepare(self) -> None:
        """See `System`."""
        self._scores("Hola")

    def _scores(self, question: str) -> NDArray[np.float32]:
        return self._lexical.scores(question)

    def _confidence(self, score: float) -> float:
        return 1 - float(np.exp(-score / 10))

    def answer(self, question: Question) -> Record:
        """See `System`."""
        began = time.perf_counter()
        scores = self._scores(searched(question))
        order = [int(position) for position in np.argsort(-scores, kind="stable")[:_SHOWN]]
        places = [self._places[position] for position in order]
        documents = self._assistant.index().by_id
        citations = [_citation(1, places[0], documents)] if places else []
        confidence = self._confidence(float(scores[order[0]])) if places else 0.0
        text = f"{places[0].text} [1]" if places else NO_ANSWER
        passages = [_shown(place, documents, float(scores[at])) for place, at in zip(places, order, strict=True)]
        return _record(question, text, not places, confidence, citations, passages, time.perf_counter() - began)


class NearestSentence(BestSentence):
    """The sentence whose vector is nearest to the question's. It never refuses; its confidence is the cosine."""

    name = "dense retrieval alone"

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self._assistant.embedder.encode([place.text for place in self._places])

    def _scores(self, question: str) -> NDArray[np.float32]:
        return np.asarray(self._vectors @ self._assistant.embedder.encode([question])[0], dtype=np.float32)

    def _confidence(self, score: float) -> float:
        return min(1.0, max(0.0, score))


class Naive:
    """The four passages nearest by vector pasted into the model's chat template, and whatever it then writes.

    Both models are as their packages have them, whatever this project has trained. Sources are the passages that it
    names with `[n]`, whole; an answer with «no consta» in it counts as a refusal.
    """

    name = "naive build"

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    @cached_property
    def _llama(self) -> Any:
        from llama_cpp import Llama

        return Llama(
            str(model_path(self._assistant.settings)),
            n_ctx=_NAIVE_CONTEXT,
            n_threads=self._assistant.model.threads,
            seed=1,
            verbose=False,
        )

    def prepare(self) -> None:
        """See `System`."""
        self._nearest("Hola")
        self._llama.create_completion("Hola", max_tokens=1)

    def answer(self, question: Question) -> Record:
        """See `System`."""
        began = time.perf_counter()
        asked = searched(question)
        nearest = self._nearest(asked)
        searching = time.perf_counter() - began
        try:
            text, tokens = self._written(asked, [passage.text for passage, _ in nearest])
        except ValueError as error:
            room = f"at most {_NAIVE_CONTEXT} tokens with the passages"
            return failed(question, ContextError(f"a question that is too long ({error})", room, "shorten it"))
        documents = self._assistant.index().by_id
        named = dict.fromkeys(int(marker) for marker in _MARKER.findall(text))
        known = [number for number in named if 0 < number <= len(nearest)]
        citations = [_citation(number, nearest[number - 1][0], documents) for number in known]
        passages = [_shown(passage, documents, score) for passage, score in nearest]
        refused = bool(_REFUSES.search(text)) or not text.strip()
        record = _record(question, text, refused, None, citations, passages, time.perf_counter() - began)
        seconds = {**record["seconds"], "search": searching, "read": record["seconds"]["total"] - searching}
        return {**record, "tokens": tokens, "seconds": seconds}

    @cached_property
    def _embedder(self) -> Embedder:
        return as_installed(self._assistant.embedder)

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self._embedder.encode([passage.text for passage in self._assistant.index().passages])

    def _nearest(self, question: str) -> list[tuple[Passage, float]]:
        passages, scores = self._assistant.index().passages, self._vectors @ self._embedder.encode([question])[0]
        best = np.argsort(-scores, kind="stable")[:_NAIVE_PASSAGES]
        return [(passages[int(position)], float(scores[position])) for position in best]

    def _written(self, question: str, passages: Sequence[str]) -> tuple[str, dict[str, int]]:
        numbered = "\n".join(f"[{number}] {text}" for number, text in enumerate(passages, 1))
        user = fill(load_template("naive"), {"passages": numbered, "question": question})
        reply = self._llama.create_chat_completion(
            [{"role": "user", "content": user}], temperature=0.0, max_tokens=_NAIVE_TOKENS
        )
        usage = reply["usage"]
        tokens = {"prompt": usage["prompt_tokens"], "decoded": usage["completion_tokens"]}
        return str(reply["choices"][0]["message"]["content"]), tokens


def searched(question: Question) -> str:
    """A question with those before it, as one text."""
    return " ".join((*question.history, question.question))


def _sentences_of(documents: Sequence[Document]) -> list[Passage]:
    return [
        Passage(f"{document.id}:{start}", document.id, start, end, document.text[start:end])
        for document in documents
        for start, end in sentences(document.text)
    ]


def _shown(passage: Passage, documents: Mapping[str, Document], score: float) -> dict[str, Any]:
    document = documents[passage.document_id]
    written = document.as_written(passage)
    return {
        "file": document.file,
        "start": written.start,
        "end": written.end,
        "score": round(score, 4),
    }


def _citation(marker: int, passage: Passage, documents: Mapping[str, Document]) -> dict[str, Any]:
    document = documents[passage.document_id]
    written = document.as_written(passage)
    return {
        "marker": marker,
        "file": document.file,
        "sha256": document.sha256,
        "start": written.start,
        "end": written.end,
        "line": document.line(written.start),
        "quote": written.text,
        "answer_start": written.start,
        "answer_end": written.end,
    }


def _record(
    question: Question,
    text: str,
    abstained: bool,
    confidence: float | None,
    citations: Sequence[Mapping[str, Any]],
    passages: Sequence[Mapping[str, Any]],
    seconds: float,
) -> Record:
    return {
        "id": question.id,
        "question": question.question,
        "understood": None,
        "answer": text,
        "abstained": abstained,
        "reason": "no_evidence" if abstained else None,
        "confidence": confidence,
        "citations": [] if abstained else list(citations),
        "passages": list(passages),
        "tokens": {"prompt": 0, "decoded": 0},
        "seconds": {"search": seconds, "read": 0.0, "total": seconds},
    }
