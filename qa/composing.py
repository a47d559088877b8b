"""The composing reader: a question and hits enter; free sentences that name the passages they rest on leave.

For models that write well. The grammar admits no marker of a passage that was not shown, but what a sentence says is
the model's own: nothing here is verified.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.types import Hit, Passage
from qa.model import Model
from qa.prompt import composing_prompt, fit
from qa.types import Draft, Part, Span

NO_ANSWER = "No consta."
_MOST_ANSWER_TOKENS = 256
_STATEMENT = re.compile(r"([^\[\]]+)((?:\[\d+\])+)\.?")
_MARKER = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Composed:
    """A draft, and how many of the lowest-ranked passages the model's context had no room for."""

    draft: Draft
    dropped: int


def compose(
    model: Model, question: str, hits: Sequence[Hit], watch: Callable[[Sequence[Part]], None] | None = None
) -> Composed:
    """Let the model answer from the passages of hits, which come best first.

    `watch` is called with the parts so far, whenever one more is complete; they are those of the draft.

    The draft's confidence is the mean probability of the written tokens, 0 without an answer. Raises `ContextError`
    where the question and the best passage do not fit the model's context.
    """
    if not hits:
        return Composed(Draft((), 0.0), 0)
    answer_tokens = min(_MOST_ANSWER_TOKENS, model.context_tokens // 4)
    prompt = fit(
        [hit.passage for hit in hits],
        model.context_tokens - answer_tokens,
        lambda passages: composing_prompt(model, question, passages),
    )
    grown = _growing(watch, prompt.passages) if watch else None
    completion = model.complete(prompt.tokens, answer_grammar(len(prompt.passages)), answer_tokens, grown)
    parts = parse_answer(completion.text, prompt.passages)
    confidence = math.exp(completion.logprob / completion.tokens) if parts else 0.0
    return Composed(Draft(parts, confidence), prompt.dropped)


def _growing(watch: Callable[[Sequence[Part]], None], passages: Sequence[Passage]) -> Callable[[str], None]:
    """Something to call with the text so far. A statement is complete when the next one begins: it has all markers."""
    seen = 0

    def grown(text: str) -> None:
        nonlocal seen
        ends = [found.end() for found in _STATEMENT.finditer(text) if text[found.end() : found.end() + 1] == " "]
        parts = parse_answer(text[: ends[-1]], passages) if ends else ()
        if len(parts) > seen:
            seen = len(parts)
            watch(parts)

    return grown


def answer_grammar(passage_count: int) -> str:
    """GBNF for the no-answer sentence, or one to six statements that each end in markers of shown passages.

    A statement's text has no brackets, line breaks, control characters or angle brackets; its length is limited so that
    a model that never comes to a marker is made to.
    """
    numbers = " | ".join(f'"{number}"' for number in range(1, passage_count + 1))
    return "\n".join(
        [
            f'root ::= "{NO_ANSWER}" | statement (" " statement){{0,5}}',
            'statement ::= first char{2,300} marker+ "."?',
            f'marker ::= "[" ({numbers}) "]"',
            r"first ::= [^\x00-\x20\x7F<>\[\].,;:]",
            r"char ::= [^\x00-\x1F\x7F<>\[\]]",
        ]
    )


def parse_answer(text: str, passages: Sequence[Passage]) -> tuple[Part, ...]:
    """Statements with the whole passages that they cite; marker `[n]` is `passages[n - 1]`.

    Text after the last marker (an answer cut short), markers of no passage and the no-answer sentence give no part.
    """
    parts = [_part(body.strip(), markers, passages) for body, markers in _STATEMENT.findall(text)]
    return tuple(part for part in parts if part.spans and part.text.rstrip(".") != NO_ANSWER.rstrip("."))


def _part(text: str, markers: str, passages: Sequence[Passage]) -> Part:
    numbers = dict.fromkeys(int(number) for number in _MARKER.findall(markers))
    cited = [passages[number - 1] for number in numbers if 0 < number <= len(passages)]
    return Part(text, tuple(Span(passage.document_id, passage.start, passage.end) for passage in cited), copied=False)
