"""Texts with many questions -> one batch in which each text is read once, whoever asks.

A question comes after its text, and the model looks only backwards: what it makes of the text does not depend on the
question, so all questions of a text share it. Each sees the text and itself. Several times as many questions are learnt
in the same time as with a text for each (eval/LOG.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from qa.runs import LONGEST_RUN, TokenText
from qa.training.attention import added, attended

_GRAIN = 16
_ROW_GRAIN = 128


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be decoded after a question: its tokens, and which were allowed at every step."""

    tokens: tuple[int, ...]
    allowed: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A question's tokens (as they follow a text's), and the target behind them."""

    tokens: tuple[int, ...]
    target: Target


@dataclass(frozen=True, slots=True)
class Pack:
    """A text's tokens, the scaffold before them included, and its questions."""

    tokens: tuple[int, ...]
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Tokens that a model has to look at."""
        return len(self.tokens) + sum(len(entry.tokens) + len(entry.target.tokens) - 1 for entry in self.entries)


def copied(text: TokenText, run: tuple[int, int], end: int, none: int) -> Target:
    """The target of a run: its tokens and `end`. Allowed is what the decoder may choose from.

    At first each token that may begin a run, or `none`; then what follows, wherever the tokens so far stand in the
    text, or `end` where one of these places may end a run.
    """
    first, last = run
    places = [i for i, begins in enumerate(text.begins) if begins]
    allowed = [_openers(text, none)]
    for at in range(first, last + 1):
        places = [i for i in places if text.tokens[i] == text.tokens[at]]
        is_longest = at - first + 1 == LONGEST_RUN
        following = set() if is_longest else {text.tokens[i + 1] for i in places if i + 1 < len(text.tokens)}
        allowed.append(frozenset(following | ({end} if any(text.closes[i] for i in places) else set())))
        places = [i + 1 for i in places if i + 1 < len(text.tokens)]
    return Target((*text.tokens[first : last + 1], end), tuple(allowed))


def refused(text: TokenText, none: int) -> Target:
    """The target of a question that the text does not answer: `none` alone."""
    return Target((none,), (_openers(text, none),))


@lru_cache(maxsize=8192)
def _openers(text: TokenText, none: int) -> frozenset[int]:
    """What may come first; kept, because all questions of a text share it."""
    return frozenset(token for token, begins in zip(text.tokens, text.begins, strict=True) if begins) | {none}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tokens of a batch are, laid end to end, and who sees whom.

    `texts` (B, P) and `questions` (Q, L) are places in the row of tokens, padded with 0; `owners` (Q,) is the text of
    each question. The masks are added to attention scores: `text_mask` (B, 1, P, P), `question_mask` (Q, 1, L, P + L).
    `order` (N,) finds each token in texts and questions, flattened and laid end to end.
    """

    texts: torch.Tensor
    questions: torch.Tensor
    owners: torch.Tensor
    text_mask: torch.Tensor
    question_mask: torch.Tensor
    order: torch.Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """The tokens (1, N) with their positions (1, N) and layout; what is to be predicted, and where.

    `at` (M,) are the places whose next token is predicted, `vocabulary` (V,) the tokens that occur, `allowed` (M, V)
    which of them may come, `wanted` (M,) the index in `vocabulary` of the right one, `question` (M,) whose step it is,
    `answerable` (Q,) which questions have an answer, `none` the index in `vocabulary` of the token for no answer.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    layout: Layout
    at: torch.Tensor
    vocabulary: torch.Tensor
    allowed: torch.Tensor
    wanted: torch.Tensor
    question: torch.Tensor
    answerable: torch.Tensor
    none: int

    def to(self, device: str) -> "Batch":
        """The batch on another device."""
        moved = {name: _moved(getattr(self, name), device) for name in self.__dataclass_fields__}
        return Batch(**moved)


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, Layout):
        return Layout(**{name: getattr(value, name).to(device) for name in value.__dataclass_fields__})
    return value.to(device) if isinstance(value, torch.Tensor) else value


def collate(packs: Sequence[Pack], none: int, precision: torch.dtype = torch.float32) -> Batch:
    """One batch of packs; masks are made in the given precision."""
    tokens: list[int] = []
    positions: list[int] = []
    texts: list[range] = []
    questions: list[range] = []
    owners: list[int] = []
    at: list[int] = []
    wanted: list[int] = []
    steps: list[frozenset[int]] = []
    owner_of_step: list[int] = []
    answerable = []
    for pack in packs:
        texts.append(range(len(tokens), len(tokens) + len(pack.tokens)))
        tokens += pack.tokens
        positions += range(len(pack.tokens))
    for number, pack in enumerate(packs):
        for entry in pack.entries:
            whole = (*entry.tokens, *entry.target.tokens[:-1])
            begin = len(tokens)
            at += range(begin + len(entry.tokens) - 1, begin + len(whole))
            wanted += entry.target.tokens
            steps += entry.target.allowed
            owner_of_step += [len(questions)] * len(entry.target.tokens)
            answerable.append(entry.target.tokens != (none,))
            questions.append(range(begin, begin + len(whole)))
            owners.append(number)
            tokens += whole
            positions += range(len(pack.tokens), len(pack.tokens) + len(whole))
    held = len(tokens)
    tokens += [none] * (-held % _ROW_GRAIN)
    positions += [0] * (len(tokens) - held)
    vocabulary = sorted({none}.union(*steps))
    index = {token: number for number, token in enumerate(vocabulary)}
    allowed = torch.zeros(len(at), len(vocabulary), dtype=torch.bool)
    for step, choices in enumerate(steps):
        allowed[step, [index[token] for token in choices]] = True
    return Batch(
        torch.tensor([tokens]),
        torch.tensor([positions]),
        _layout(texts, questions, owners, len(tokens), precision),
        torch.tensor(at),
        torch.tensor(vocabulary),
        allowed,
        torch.tensor([index[token] for token in wanted]),
        torch.tensor(owner_of_step),
        torch.tensor(answerable),
        index[none],
    )


def _layout(
    texts: Sequence[range], questions: Sequence[range], owners: Sequence[int], count: int, precision: torch.dtype
) -> Layout:
    text_places, text_held = _padded(texts)
    question_places, question_held = _padded(questions)
    owner = torch.tensor(owners)
    text_size, question_size = text_places.shape[1], question_places.shape[1]
    # A padded row sees something too, or its softmax would divide by nothing; nobody looks at what comes of it.
    causal = torch.ones(text_size, text_size, dtype=torch.bool).tril()
    of_itself = torch.ones(question_size, question_size, dtype=torch.bool).tril().expand(len(questions), -1, -1)
    of_text = text_held[owner][:, None, :].expand(-1, question_size, -1)
    order = torch.zeros(count, dtype=torch.long)  # padding of the row gets anything
    order[text_places[text_held]] = torch.arange(text_places.numel()).view_as(text_places)[text_held]
    behind = torch.arange(question_places.numel()).view_as(question_places) + text_places.numel()
    order[question_places[question_held]] = behind[question_held]
    return Layout(
        text_places,
        question_places,
        owner,
        added(causal.expand(len(texts), 1, -1, -1), precision),
        added(torch.cat([of_text, of_itself], 2)[:, None], precision),
        order,
    )


def _padded(places: Sequence[range]) -> tuple[torch.Tensor, torch.Tensor]:
    # Few different shapes: the matrix library prepares itself anew for each.
    longest = -(-max(map(len, places)) // _GRAIN) * _GRAIN
    padded = torch.zeros(len(places), longest, dtype=torch.long)
    held = torch.zeros(len(places), longest, dtype=torch.bool)
    for row, place in enumerate(places):
        padded[row, : len(place)] = torch.arange(place.start, place.stop)
        held[row, : len(place)] = True
    return padded, held


ATTENTION = "shared_text"
"""The name under which transformers knows `attend`."""


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    layout: Layout,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention within texts, and of questions to their text and themselves, for transformers' attention interface.

    query (1, H, N, D), key and value (1, K, N, D) with K dividing H -> (1, N, H, D).
    """
    rows = [tensor[0].transpose(0, 1) for tensor in (query * scaling, key, value)]  # (N, heads, D)
    reading, text_keys, text_values = (_at(row, layout.texts).transpose(1, 2) for row in rows)  # (B, heads, P, D)
    asking, keys, values = (_at(row, layout.questions).transpose(1, 2) for row in rows)  # (Q, heads, L, D)
    keys = torch.cat([text_keys.index_select(0, layout.owners), keys], 2)
    values = torch.cat([text_values.index_select(0, layout.owners), values], 2)
    read = attended(reading, text_keys, text_values, layout.text_mask)
    asked = attended(asking, keys, values, layout.question_mask)
    flat = torch.cat([each.transpose(1, 2).flatten(0, 1) for each in (read, asked)])
    return flat.index_select(0, layout.order)[None], None


def _at(rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Rows (N, ...) at places (B, T) -> (B, T, ...)."""
    return rows.index_select(0, places.flatten()).view(*places.shape, *rows.shape[1:])
