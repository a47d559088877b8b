"""Passages and a question -> a draft whose every part points at its evidence. Two readers, chosen here.

The copying reader answers with the articles' own words: with a trained adapter a run of words, or the sentence around
it where a run does not say enough; without an adapter the sentence that ranks best by retrieval and by how likely the
model finds the question after it. The composing reader, for larger models, writes sentences that verification checks
afterwards.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.types import Hit
from qa import confidence
from qa.choosing import Choice, agreement, by_sentence, choices, reranked, span_of, together
from qa.composing import compose
from qa.copying import Copied, copy_answer
from qa.errors import ContextError
from qa.expectation import kind_of, needs_sentence
from qa.model import Model
from qa.prompt import likelihood_continuation, likelihood_prompt
from qa.ranking import Candidate, Ranker, Terms, candidates, probabilities, wanted_of, with_likelihoods
from qa.runs import SpellingError
from qa.types import Draft, Part, Reason, Span

SCORED_SENTENCES = 5
"""How many of the best sentences the model scores at most."""
_REACH = 1.0
"""A sentence so far behind the best is not scored, and a passage with none nearer not read: they hardly ever answer
(eval/LOG.md)."""
READ_PASSAGES = 4
"""How many of the passages are read for runs at most."""

Watch = Callable[[Sequence[Part]], None]
"""Called with the parts of a draft so far, whenever there is one more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A draft, the best quotation to fall back on, what speaks against it, and how many passages could not be read.

    `threshold` is the confidence under which nothing is said. `hits` are the passages in the reader's order, none where
    that is the order of the search.
    """

    draft: Draft
    fallback: Draft
    objection: Reason | None = None
    threshold: float = 0.0
    dropped: int = 0
    hits: tuple[Hit, ...] = ()


Reader = Callable[[Model, str, Sequence[Hit], Terms, Ranker, Sequence[Span]], Reading]
"""What reads passages in the articles' own words: the last argument holds what was said and is not to be repeated."""
NOTHING = Reading(Draft((), 0.0), Draft((), 0.0), "no_evidence")


def read_sentences(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span] = ()
) -> Reading:
    """Answers with the best sentence, and the second one where it is nearly as likely; with none that was `said`."""
    ranked = rank(model, question, hits, terms, ranker, said)
    if not ranked:
        return NOTHING
    return _quoted(question, ranked, terms, ranker)


def read_runs(
    model: Model, question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span] = ()
) -> Reading:
    """Answers with the run that is most likely the answer, or its sentence; with none that was `said`."""
    ranked = _ordered(question, hits, terms, ranker, said)
    if not ranked:
        return NOTHING
    copied, dropped = copy_answers(model, question, worth_reading(hits, ranked))
    reordered = reranked(hits, copied, ranker.rerank_weight)
    chosen = choices(copied, ranked, ranker.run_weight, ranker.sentence_weight)
    if not chosen:  # no passage has room, or none of its words is a run
        return replace(_quoted(question, ranked, terms, ranker), dropped=dropped, hits=reordered)
    wanted, asked = wanted_of(question, terms), kind_of(question)
    sure = confidence.probability(ranker.run_confidence_weights, confidence.run_features(wanted, asked, chosen, copied))
    best = chosen[0].sentence
    draft = Draft(parts_told(question, chosen, ranker.run_share, ranker.next_share), sure)
    against = confidence.run_objection(wanted, asked, best, sure, ranker.run_threshold)
    return Reading(draft, Draft((_whole(best),), sure), against, ranker.run_threshold, dropped, reordered)


def worth_reading(hits: Sequence[Hit], ranked: Sequence[Candidate]) -> list[Hit]:
    """The passages with a sentence that is not far behind the best: runs of others hardly ever answer (eval/LOG.md)."""
    near = {each.passage.id for each in ranked if each.score > ranked[0].score - _REACH}
    return [hit for hit in hits if hit.passage.id in near][:READ_PASSAGES]


def copy_answers(model: Model, question: str, hits: Sequence[Hit]) -> tuple[list[Copied], int]:
    """The runs of the passages, and how many could not be read: no room, or tokens that do not spell the text."""
    copied, dropped = [], 0
    for hit in hits:
        try:
            copied.append(copy_answer(model, question, hit.passage))
        except (ContextError, SpellingError):
            dropped += 1
    return copied, dropped


def parts_told(question: str, chosen: Sequence[Choice], run_share: float, next_share: float) -> tuple[Part, ...]:
    """What is said of runs whose best comes first: that run, or whole sentences where they answer better.

    That is so where few words seldom answer, and where less than `run_share` of the probability of all runs is for
    those that say the same («Peskov», «el portavoz Peskov»): where it begins and ends need not be sure. The second
    sentence is told too if it is at least `next_share` times as likely as the first.
    """
    best = chosen[0]
    if not needs_sentence(question) and agreement(chosen) >= run_share:
        return (Part(best.text, (best.span,), copied=True),)
    first, *others = by_sentence(chosen)
    near = [each for each in others[:1] if together(each) >= together(first) + math.log(next_share)]
    return tuple(_whole(each[0].sentence) for each in (first, *near))


def _whole(sentence: Candidate) -> Part:
    return Part(sentence.text, (span_of(sentence),), copied=True)


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
    ranked = _ordered(question, hits, terms, ranker, said)
    scored = [each for each in ranked[:SCORED_SENTENCES] if each.score > ranked[0].score - _REACH]
    if len(scored) < 2:
        return ranked
    continuation = likelihood_continuation(model, question)
    prefixes = [likelihood_prompt(model, each.text) for each in scored]
    likelihoods = model.score_many(prefixes, continuation)
    return with_likelihoods(ranked, likelihoods, ranker.likelihood_weight)


def _ordered(question: str, hits: Sequence[Hit], terms: Terms, ranker: Ranker, said: Sequence[Span]) -> list[Candidate]:
    """The sentences of the passages, best first, without those that were said."""
    found = candidates(question, hits, terms)
    return ranker.order([each for each in found if not any(_overlap(each, span) for span in said)])


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
    parts = tuple(_whole(each) for each in chosen)
    wanted, asked = wanted_of(question, terms), kind_of(question)
    sure = confidence.probability(ranker.confidence_weights, confidence.features(wanted, asked, ranked))
    draft = Draft(parts, sure)
    against = confidence.objection(wanted, asked, ranked[0], sure, ranker.threshold)
    return Reading(draft, draft, against, ranker.threshold)
