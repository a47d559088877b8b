"""Passages and a question -> a draft whose every part points at its evidence. Two readers, chosen here.

The copying reader answers with the articles' own words: with a trained adapter a run of words, without one the sentence
that ranks best by retrieval and by how likely the model finds the question after it. The composing reader, for larger
models, writes sentences that verification checks afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.types import Hit
from qa import confidence
from qa.composing import compose
from qa.copying import copy_answer
from qa.expectation import kind_of
from qa.model import Model
from qa.prompt import copying_prompt, fit, likelihood_continuation, likelihood_prompt
from qa.ranking import Candidate, Ranker, Terms, candidates, probabilities, wanted_of, with_likelihoods
from qa.types import Draft, Part, Reason, Span

SCORED_SENTENCES = 5
"""How many of the best sentences the model scores at most."""
_REACH = 1.0
"""A sentence so far behind the best is not scored: the likelihood hardly ever lifts it so high (eval/LOG.md)."""
_MOST_RUN_TOKENS = 40


Watch = Callable[[Sequence[Part]], None]
"""Called with the parts of a draft so far, whenever there is one more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A draft, the best quotation to fall back on, what speaks against it, and how many passages had no room."""

    draft: Draft
    fallback: Draft
    objection: Reason | None = None
    dropped: int = 0


NOTHING = Reading(Draft((), 0.0), Draft((), 0.0), "no_evidence")


def read_sentences(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span] = ()
) -> Reading:
    """Answers with the best sentence, and the second one where it is nearly as likely; with none that was `said`."""
    ranked = rank(model, question, hits, terms, ranker, said)
    if not ranked:
        return NOTHING
    return _quoted(question, ranked, terms, ranker)


def read_run(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span] = ()
) -> Reading:
    """Answers with words copied by a model that was trained to; their sentence is the best-ranked that holds them."""
    ranked = rank(model, question, hits, terms, ranker, said)
    if not ranked:
        return NOTHING
    quoted = _quoted(question, ranked, terms, ranker)
    prompt = fit(
        [hit.passage for hit in hits],
        model.context_tokens - _MOST_RUN_TOKENS,
        lambda passages: copying_prompt(model, question, passages),
    )
    copied = copy_answer(model, prompt.tokens, prompt.passages, max_tokens=_MOST_RUN_TOKENS)
    if copied.run is None or not copied.answered:
        return replace(quoted, draft=Draft((), quoted.draft.confidence), dropped=prompt.dropped)
    spans = [Span(each.passage.document_id, each.start, each.end) for each in copied.run.occurrences]
    part = Part(copied.run.text, (min(spans, key=lambda span: _place(span, ranked)),), copied=True)
    return replace(quoted, draft=Draft((part,), quoted.draft.confidence), dropped=prompt.dropped)


def read_composing(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, watch: Watch | None = None
) -> Reading:
    """Answers in the model's own sentences; the best-ranked quotation is kept in case none holds."""
    ranked = ranker.order(candidates(question, hits, terms))
    quoted = _quoted(question, ranked, terms, ranker) if ranked else NOTHING
    composed = compose(model, question, hits, watch)
    # A model that writes well says itself when there is no answer, and what it writes is verified.
    return replace(quoted, draft=composed.draft, objection=None, dropped=composed.dropped)


def rank(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span] = ()
) -> list[Candidate]:
    """The sentences of the passages, best first, by retrieval features and the model's likelihood of the question.

    Those that were `said` are left out.
    """
    found = candidates(question, hits, terms)
    ranked = ranker.order([each for each in found if not any(_overlap(each, span) for span in said)])
    scored = [each for each in ranked[:SCORED_SENTENCES] if each.score > ranked[0].score - _REACH]
    if len(scored) < 2:
        return ranked
    continuation = likelihood_continuation(model, question)
    prefixes = [likelihood_prompt(model, each.text) for each in scored]
    likelihoods = model.score_many(prefixes, continuation)
    return with_likelihoods(ranked, likelihoods, ranker.likelihood_weight)


def _overlap(candidate: Candidate, span: Span) -> bool:
    same = candidate.passage.document_id == span.document_id
    return same and candidate.start < span.end and span.start < candidate.end


def _quoted(question: str, ranked: Sequence[Candidate], terms: Terms, ranker: Ranker) -> Reading:
    """The best sentence, and the second one where it is likely enough, with what speaks against the best."""
    chances = probabilities(ranked)
    chosen = [
        each
        for number, (each, chance) in enumerate(zip(ranked[:2], chances, strict=False))
        if number == 0 or chance >= ranker.second_ratio * chances[0]
    ]
    parts = tuple(
        Part(each.text, (Span(each.passage.document_id, each.start, each.end),), copied=True) for each in chosen
    )
    wanted, asked = wanted_of(question, terms), kind_of(question)
    sure = confidence.probability(ranker.confidence_weights, confidence.features(wanted, asked, ranked))
    draft = Draft(parts, sure)
    return Reading(draft, draft, confidence.objection(wanted, asked, ranked[0], sure, ranker.threshold))


def _place(span: Span, ranked: Sequence[Candidate]) -> int:
    """The rank of the sentence that a span begins in; behind all others if it begins in none."""
    holding = (
        number
        for number, each in enumerate(ranked)
        if each.passage.document_id == span.document_id and each.start <= span.start < each.end
    )
    return next(holding, len(ranked))
