"""Questions packed on one text are learnt as if each were asked alone, and as the decoder will decode them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import LlamaForCausalLM

from index.types import Passage
from qa.copying import copy_answer
from qa.model import LlamaModel
from qa.runs import LONGEST_RUN, TokenText
from qa.training.examples import Asked
from qa.training.lora import write_adapter
from qa.training.packing import Entry, Pack, Target, collate, copied, refused
from qa.training.reader import Packer, Recipe, prepared, question_losses, step_logprobs
from tests import tiny_gguf
from tests.models import THREADS
from tests.tiny_gguf import tensors

RECIPE = Recipe(rank=2, alpha=8.0)
READINGS = {
    "La niña llegó a Perú con 1.500 soles, según «El Día».": {
        "¿Quién llegó?": "La niña",
        "¿Con cuántos soles llegó, según la prensa?": "1.500 soles",
        "¿Cuándo?": None,
    },
    "Sí.": {"¿Llueve?": "Sí.", "¿Dónde llueve hoy?": None},
    "los ríos los cruzó Ana, y los ríos los cruzó Luis: la casa, los ríos, los años.": {
        "¿Qué?": "los ríos",
        "¿Quién cruzó los ríos?": "Ana",
        "¿Qué hizo Luis?": "los ríos los cruzó Luis",
        "¿Qué cosas hay ahí?": "la casa, los ríos, los años.",
        "¿Cuántos?": None,
    },
}


@pytest.fixture(scope="module", params=["output of its own", "output that is the embedding"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sorts of models there are: the bundled one is of the second."""
    path = tmp_path_factory.mktemp("weights") / "tiny.gguf"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "output that is the embedding":
            patch.setattr(tiny_gguf, "tensors", without_output)
        return tiny_gguf.write_model(path)


def without_output(vocabulary_size: int, random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    named = tensors(vocabulary_size, random)
    del named["output.weight"]
    return named


@pytest.fixture(scope="module")
def model(weights: Path) -> LlamaForCausalLM:
    """The model with additions that are not zero, of values that float16 holds."""
    model = prepared(weights, RECIPE, torch.float32, "cpu")
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.2).half().float()
    return model


@pytest.fixture(scope="module")
def adapted(model: LlamaForCausalLM, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaModel]:
    """The same model as llama.cpp runs it."""
    path = tmp_path_factory.mktemp("adapter") / "adapter.gguf"
    write_adapter(model, path, RECIPE.alpha)
    opened = LlamaModel.open(weights, threads=THREADS, lora=path, branching=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def packer(adapted: LlamaModel) -> Packer:
    return Packer(adapted)


@pytest.fixture(scope="module")
def packs(packer: Packer) -> list[Pack]:
    found = [
        packer.pack(text, [asked_of(text, question, words) for question, words in asked.items()])
        for text, asked in READINGS.items()
    ]
    assert [len(pack.entries) for pack in found] == [3, 2, 5]  # none was left out
    return found


def asked_of(text: str, question: str, words: str | None) -> Asked:
    if words is None:
        return Asked(question, None)
    start = text.rindex(words)
    return Asked(question, (start, start + len(words)), words)


def packed_losses(model: LlamaForCausalLM, packs: Sequence[Pack], none: int) -> list[float]:
    batch = collate(packs, none)
    with torch.inference_mode():
        losses: list[float] = question_losses(step_logprobs(model, batch), batch).tolist()
    return losses


def loss_alone(model: LlamaForCausalLM, pack: Pack, entry: Entry) -> float:
    """What the question costs in a sequence of its own, with the attention of transformers."""
    tokens = [*pack.tokens, *entry.tokens, *entry.target.tokens[:-1]]
    packed, model.config._attn_implementation = model.config._attn_implementation, "sdpa"
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0]
    model.config._attn_implementation = packed
    begin, loss = len(pack.tokens) + len(entry.tokens) - 1, 0.0
    for step, (token, allowed) in enumerate(zip(entry.target.tokens, entry.target.allowed, strict=True)):
        choices = sorted(allowed)
        loss -= float(torch.log_softmax(logits[begin + step, choices], 0)[choices.index(token)])
    return loss


def test_packed_questions_cost_what_each_costs_alone(
    model: LlamaForCausalLM, packs: list[Pack], packer: Packer
) -> None:
    alone = [loss_alone(model, pack, entry) for pack in packs for entry in pack.entries]
    assert max(alone) - min(alone) > 1
    assert packed_losses(model, packs, packer.signs.none) == pytest.approx(alone, abs=1e-3)


def test_the_order_of_texts_and_of_questions_is_of_no_account(
    model: LlamaForCausalLM, packs: list[Pack], packer: Packer
) -> None:
    losses = packed_losses(model, packs, packer.signs.none)
    by_entry = dict(zip((entry for pack in packs for entry in pack.entries), losses, strict=True))
    turned = [replace(pack, entries=pack.entries[::-1]) for pack in (packs[1], packs[2], packs[0])]
    expected = [by_entry[entry] for pack in turned for entry in pack.entries]
    assert packed_losses(model, turned, packer.signs.none) == pytest.approx(expected, abs=1e-4)


def test_a_question_does_not_see_another_of_its_text(
    model: LlamaForCausalLM, packs: list[Pack], packer: Packer
) -> None:
    pack = packs[2]
    other = packer.pack("x", [Asked("¿Y qué otra cosa más larga se pregunta aquí?", None)]).entries[0]
    changed = replace(pack, entries=(pack.entries[0], other, *pack.entries[2:]))
    before, after = (packed_losses(model, [each], packer.signs.none) for each in (pack, changed))
    assert abs(before.pop(1) - after.pop(1)) > 1e-2
    assert after == pytest.approx(before, abs=1e-4)


def test_a_question_sees_its_own_text_and_no_other(model: LlamaForCausalLM, packs: list[Pack], packer: Packer) -> None:
    first, second, third = packs
    longer = replace(second, tokens=(*first.tokens, *first.tokens[1:]))
    before, after = (packed_losses(model, [first, each, third], packer.signs.none) for each in (second, longer))
    changed = [abs(old - new) > 1e-3 for old, new in zip(before, after, strict=True)]
    assert changed == [False] * 3 + [True] * 2 + [False] * 5


def test_what_moves_a_loss_is_exactly_the_text_the_question_and_the_run_before(
    model: LlamaForCausalLM, packs: list[Pack], packer: Packer
) -> None:
    batch = collate(packs, packer.signs.none)
    seen: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        seen.append(output.detach().requires_grad_())
        return seen[-1]

    hook = model.model.embed_tokens.register_forward_hook(keep)
    losses = question_losses(step_logprobs(model, batch), batch)
    hook.remove()
    begin_of_text, begin = 0, sum(len(pack.tokens) for pack in packs)
    question = 0
    for pack in packs:
        text = range(begin_of_text, begin_of_text + len(pack.tokens))
        for entry in pack.entries:
            own = range(begin, begin + len(entry.tokens) + len(entry.target.tokens) - 1)
            (gradient,) = torch.autograd.grad(losses[question], seen, retain_graph=True)
            moved = set(gradient[0].abs().sum(-1).nonzero().flatten().tolist())
            # The softmax of a step with one choice is 1 whatever comes before it: such tokens move nothing.
            last = max(i for i, allowed in enumerate(entry.target.allowed) if len(allowed) > 1)
            assert moved == {*text, *own[: len(entry.tokens) + last]}
            begin, question = own.stop, question + 1
        begin_of_text = text.stop
    assert question == len(losses) and begin <= batch.tokens.numel()


def decoded(model: LlamaModel, question: str, text: str) -> tuple[dict[tuple[int, int], float], float]:
    """Log-probability of what stands at each place, and of no answer.

    One text may be two runs, of other tokens after a blank than at the beginning; a place is one run's only.
    """
    found = copy_answer(model, question, Passage("a:0", "a", 0, len(text), text))
    places = [((each.start, each.end), run.logprob) for run in found.runs for each in run.occurrences]
    assert len(dict(places)) == len(places)
    return dict(places), found.no_answer_logprob


@pytest.mark.parametrize("text", READINGS)
def test_what_is_trained_is_what_is_decoded(
    text: str, model: LlamaForCausalLM, adapted: LlamaModel, packer: Packer
) -> None:
    for question in READINGS[text]:
        places, no_answer = decoded(adapted, question, text)
        assert places
        asked = [Asked(question, None), *(Asked(question, place) for place in places)]
        losses = packed_losses(model, [packer.pack(text, asked)], packer.signs.none)
        # llama.cpp keeps keys and values in 16 bits.
        assert losses == pytest.approx([-no_answer, *(-logprob for logprob in places.values())], abs=0.1)


def test_the_longest_run_is_trained_as_it_is_decoded(
    model: LlamaForCausalLM, adapted: LlamaModel, packer: Packer
) -> None:
    word = "z" + "abcde" * 9 + "xy"
    assert len(adapted.tokenize(word)) == LONGEST_RUN
    text, question = f"{word} ;", "¿Qué?"  # no other run may begin: the decoder cannot give this one up
    places, _ = decoded(adapted, question, text)
    (place,) = places
    assert text[slice(*place)] == word
    pack = packer.pack(text, [Asked(question, place)])
    assert pack.entries[0].target.allowed[-1] == {packer.signs.end}
    (loss,) = packed_losses(model, [pack], packer.signs.none)
    assert loss == pytest.approx(-places[place], abs=0.1)


def test_a_run_of_more_tokens_is_not_trained(packer: Packer) -> None:
    text = "z" + "abcde" * 9 + "xyz" + " y bebe"
    asked = [Asked("¿Qué?", (0, LONGEST_RUN + 1)), Asked("¿Qué?", (LONGEST_RUN + 2, len(text)))]
    assert len(packer.pack(text, asked).entries) == 1


END, NONE = 90, 91


def target(tokens: tuple[int, ...], *allowed: set[int]) -> Target:
    return Target(tokens, tuple(map(frozenset, allowed)))


def words_as_tokens(text: str) -> TokenText:
    """Each word a token, the same word the same token: 0, 1, 2 in the order of their first places."""
    words = text.split()
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    ends = [len(" ".join(words[: number + 1])) for number in range(len(words))]
    starts = [end - len(word) for word, end in zip(words, ends, strict=True)]
    anywhere = (True,) * len(words)
    return TokenText(text, tuple(numbers[word] for word in words), tuple(starts), tuple(ends), anywhere, anywhere)


@pytest.mark.parametrize(
    ("run", "tokens", "after_first"),
    [
        ((0, 0), (0, END), [{1, 3, END}]),  # «la» goes on with «casa» or «abuela»
        ((3, 3), (0, END), [{1, 3, END}]),  # whichever of the two it is
        ((0, 1), (0, 1, END), [{1, 3, END}, {2, END}]),
        ((3, 4), (0, 3, END), [{1, 3, END}, {END}]),  # «la abuela» ends the text
        ((2, 3), (2, 0, END), [{0, END}, {3, END}]),  # «de la», which is not before «casa»
    ],
)
def test_what_may_follow_depends_on_all_places_of_the_words_so_far(
    run: tuple[int, int], tokens: tuple[int, ...], after_first: list[set[int]]
) -> None:
    text = words_as_tokens("la casa de la abuela")
    assert copied(text, run, END, NONE) == target(tokens, {0, 1, 2, 3, NONE}, *after_first)


def test_only_word_boundaries_begin_and_end_a_run() -> None:
    # «casa» and «casas», where the s is a token of its own.
    text = TokenText("casa casas", (1, 1, 2), (0, 5, 9), (4, 9, 10), (True, True, False), (True, False, True))
    assert copied(text, (0, 0), END, NONE) == target((1, END), {1, NONE}, {1, 2, END})
    assert copied(text, (1, 2), END, NONE) == target((1, 2, END), {1, NONE}, {1, 2, END}, {END})


def test_a_refusal_competes_with_all_beginnings() -> None:
    text = words_as_tokens("la casa de la abuela")
    cut = replace(text, begins=(True, False, True, True, False))
    assert refused(cut, NONE) == target((NONE,), {0, 2, NONE})


@st.composite
def runs_of_few_tokens(draw: st.DrawFn) -> tuple[TokenText, tuple[int, int]]:
    count = draw(st.integers(1, 12))
    tokens = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    begins, closes = (draw(st.lists(st.booleans(), min_size=count, max_size=count)) for _ in range(2))
    first = draw(st.integers(0, count - 1))
    last = draw(st.integers(first, count - 1))
    begins[first] = closes[last] = True
    places = range(count)
    text = TokenText(
        "x" * count, tuple(tokens), tuple(places), tuple(i + 1 for i in places), tuple(begins), tuple(closes)
    )
    return text, (first, last)


@given(runs_of_few_tokens())
def test_allowed_is_what_stands_behind_the_tokens_so_far_wherever_a_run_may_begin(
    made: tuple[TokenText, tuple[int, int]],
) -> None:
    text, (first, last) = made
    found = copied(text, (first, last), END, NONE)
    assert found.tokens == (*text.tokens[first : last + 1], END)
    for step, (token, allowed) in enumerate(zip(found.tokens, found.allowed, strict=True)):
        before = found.tokens[:step]
        starts = [i for i, may in enumerate(text.begins) if may and text.tokens[i : i + step] == before]
        wanted = {text.tokens[i + step] for i in starts if i + step < len(text.tokens)}
        wanted |= {END for i in starts if step and text.closes[i + step - 1]}
        assert allowed == wanted | ({NONE} if step == 0 else set())
        assert token in allowed
    assert refused(text, NONE).allowed[0] == found.allowed[0]


def test_the_size_of_a_pack_is_what_a_batch_holds_of_it(packs: list[Pack]) -> None:
    for pack in packs:
        batch = collate([pack], NONE)
        assert 0 <= batch.tokens.numel() - pack.size < 128
        assert len(batch.at) == sum(len(entry.target.tokens) for entry in pack.entries)
        assert math.isclose(batch.allowed.sum(), sum(len(s) for e in pack.entries for s in e.target.allowed))
