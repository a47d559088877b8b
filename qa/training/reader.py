"""Trains the reader's adapter: LoRA on the bundled model, so that it answers with a run of a passage or with nothing.

    python -m qa.training.reader --squad squad_es_train.json --out reader.gguf

What is learnt is the very distribution that `qa.copying` decodes: at every step only the tokens that may come there
compete. A run that was stopped goes on by the same command.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
import typer

from qa.copying import ReaderTokens, reader_tokens
from qa.model import LlamaModel
from qa.model_files import file_digest, find_bundled_model
from qa.runs import TokenText, token_text
from qa.training.examples import Asked, Reading, draw, from_corpus, read_squad, with_strangers
from qa.training.lora import add_lora, write_adapter
from qa.training.packing import ATTENTION, Batch, Entry, Pack, attend, collate, copied, refused
from qa.training.passages import TRAIN, VALIDATION, WIRE_TRAIN, read_passages
from qa.training.questions import QUESTIONS, read_questions
from qa.training.resuming import Run, descend, fingerprint, runs_folder
from qa.training.weights import load_weights

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

_MOST_TEXT_TOKENS = 480
_MOST_QUESTION_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a run, beside the data and the weights.

    `epochs` need not be whole; `batch_tokens` are those of a step, texts counted once; `english` and `strangers` the
    questions of that sort drawn for a text in an epoch, `most_questions` all of them; `held_out` the paragraphs kept
    from training to validate.
    """

    epochs: float = 2.5
    batch_tokens: int = 2200
    rate: float = 5e-4
    rank: int = 32
    alpha: float = 64.0
    dropout: float = 0.1
    warm_steps: int = 40
    english: int = 4
    strangers: int = 4
    most_questions: int = 24
    held_out: int = 40
    seed: int = 0


DEFAULT = Recipe()


class Packer:
    """Readings -> packs, tokenised as the reader will tokenise them."""

    def __init__(self, model: LlamaModel) -> None:
        self._model = model
        self.signs: ReaderTokens = reader_tokens(model)
        self._texts: dict[str, TokenText] = {}
        self._entries: dict[tuple[str, Asked], Entry | None] = {}

    def text(self, text: str) -> TokenText:
        """A text's tokens, kept."""
        if text not in self._texts:
            self._texts[text] = token_text(text, self._model.tokenize(text), self._model.piece)
        return self._texts[text]

    def pack(self, text: str, asked: Sequence[Asked]) -> Pack:
        """A text with questions; those whose answer is no run of it, and very long ones, are left out."""
        told = self.text(text)
        for each in asked:
            if (text, each) not in self._entries:  # the same in every epoch
                self._entries[text, each] = self._entry(told, each)
        entries = [entry for each in asked if (entry := self._entries[text, each])]
        return Pack((*self.signs.before_text, *told.tokens), tuple(entries))

    def _entry(self, told: TokenText, asked: Asked) -> Entry | None:
        tokens = self._model.tokenize(asked.question)
        if len(tokens) > _MOST_QUESTION_TOKENS:
            return None
        target = refused(told, self.signs.none)
        if asked.answer is not None:
            run = told.run(*asked.answer)
            if run is None:
                return None
            target = copied(told, run, self.signs.end, self.signs.none)
        return Entry((*self.signs.before_question, *tokens, *self.signs.after_question), target)


def batches(packs: Sequence[Pack], most_tokens: int, chance: random.Random) -> list[list[Pack]]:
    """The packs in batches of at most `most_tokens`, each of texts of like length, in random order."""
    shuffled = [pack for pack in packs if pack.entries]
    chance.shuffle(shuffled)
    made: list[list[Pack]] = []
    for begin in range(0, len(shuffled), 64):
        batch: list[Pack] = []
        for pack in sorted(shuffled[begin : begin + 64], key=lambda pack: len(pack.tokens)):
            if batch and sum(each.size for each in batch) + pack.size > most_tokens:
                made.append(batch)
                batch = []
            batch.append(pack)
        made.append(batch)
    chance.shuffle(made)
    return made


def step_logprobs(model: "LlamaForCausalLM", batch: Batch) -> torch.Tensor:
    """Log-probabilities (M, V) of what may come at every step of a batch, minus infinity for the rest."""
    hidden = model.model(
        inputs_embeds=model.model.embed_tokens(batch.tokens),
        position_ids=batch.positions,
        attention_mask=None,
        use_cache=False,
        layout=batch.layout,
    ).last_hidden_state[0]
    logits = (hidden[batch.at] @ model.lm_head.weight[batch.vocabulary].T).float()
    logprobs: torch.Tensor = logits.masked_fill(~batch.allowed, -torch.inf).log_softmax(-1)
    return logprobs


def question_losses(logprobs: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Minus the log-probability of each question's right run or refusal, (Q,)."""
    each = -logprobs[torch.arange(len(batch.wanted), device=logprobs.device), batch.wanted]
    return torch.zeros(len(batch.answerable), device=logprobs.device).index_add(0, batch.question, each)


@dataclass(frozen=True, slots=True)
class Validation:
    """Over held-out texts: the mean loss of the answerable, and how well the rest is told.

    `first` is the share of the answerable whose first token is the likeliest choice, no answer left aside, `auroc` how
    well the likelihood of no answer tells those without one.
    """

    loss: float
    first: float
    auroc: float

    def __str__(self) -> str:
        return f"loss {self.loss:.3f}, first token right {self.first:.3f}, no answer AUROC {self.auroc:.3f}"


def validate(model: "LlamaForCausalLM", packs: Sequence[Pack], none: int, most_tokens: int, device: str) -> Validation:
    """The model on packs that it was not trained on."""
    from sklearn.metrics import roc_auc_score

    losses, right, refusals, answerable = [], [], [], []
    model.train(False)
    with torch.inference_mode():
        for group in batches(packs, most_tokens, random.Random(0)):
            batch = collate(group, none, model.dtype).to(device)
            logprobs = step_logprobs(model, batch)
            first = torch.unique_consecutive(batch.question, return_counts=True)[1].cumsum(0).roll(1)
            first[0] = 0
            can = batch.answerable
            losses += question_losses(logprobs, batch)[can].tolist()
            opening = logprobs[first]
            refusals += opening[:, batch.none].tolist()
            opening[:, batch.none] = -torch.inf
            right += (opening.argmax(-1) == batch.wanted[first])[can].tolist()
            answerable += can.tolist()
    auroc = float(roc_auc_score(~np.array(answerable), refusals))
    return Validation(float(np.mean(losses)), float(np.mean(right)), auroc)


def train(
    recipe: Recipe,
    readings: Sequence[Reading],
    held_out: Sequence[Reading],
    weights: Path,
    out: Path,
    state: Path,
    device: str,
    tell: Callable[[str], None],
) -> None:
    """Trains by the recipe, from the state in that file if it is there, and writes the adapter."""
    packer = Packer(LlamaModel.open(weights))
    chance = random.Random(recipe.seed)
    plan = planned(recipe, readings, packer, chance)
    checked = drawn(recipe, held_out, packer, chance)
    torch.manual_seed(recipe.seed)
    precision = torch.bfloat16 if _is_fast_in_bfloat16(device) else torch.float32
    model = prepared(weights, recipe, precision, device)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.98))
    run = Run.open(state, parameters, optimizer)
    questions = sum(len(pack.entries) for batch in plan for pack in batch)
    tell(f"{len(plan)} steps, {questions} questions, {precision}, from step {run.step}")

    def loss_of(step: int) -> torch.Tensor:
        batch = collate(plan[step], packer.signs.none, precision).to(device)
        torch.manual_seed(recipe.seed + step)  # what is dropped must not depend on where a run was stopped
        model.train()
        return question_losses(step_logprobs(model, batch), batch).mean()

    def write() -> None:
        write_adapter(model, out, recipe.alpha)

    def validated() -> str:
        write()
        return str(validate(model, checked, packer.signs.none, recipe.batch_tokens, device))

    descend(run, len(plan), recipe.rate, recipe.warm_steps, loss_of, validated, write, tell)


def planned(recipe: Recipe, readings: Sequence[Reading], packer: Packer, chance: random.Random) -> list[list[Pack]]:
    """The batches of all steps in their order; of the last epoch as many as the recipe has of it."""
    short = [each for each in readings if len(packer.text(each.text).tokens) <= _MOST_TEXT_TOKENS]
    whole = math.ceil(recipe.epochs)
    plan = [
        batch
        for _ in range(whole)
        for batch in batches(drawn(recipe, short, packer, chance), recipe.batch_tokens, chance)
    ]
    return plan[: round(len(plan) * recipe.epochs / whole)]


def drawn(recipe: Recipe, readings: Sequence[Reading], packer: Packer, chance: random.Random) -> list[Pack]:
    """The texts with the questions that are drawn for an epoch."""
    return [
        packer.pack(each.text, draw(each, recipe.english, recipe.strangers, recipe.most_questions, chance))
        for each in readings
    ]


def prepared(weights: Path, recipe: Recipe, precision: torch.dtype, device: str) -> "LlamaForCausalLM":
    """The model of a GGUF file with additions to be trained, reading texts with many questions."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
    model = load_weights(weights)
    torch.nn.Module.to(model, dtype=precision)  # as transformers declares its own, no checker understands it
    model.config._attn_implementation = ATTENTION
    add_lora(model, recipe.rank, recipe.alpha, recipe.seed, recipe.dropout)
    torch.nn.Module.to(model, device=device)
    return model


def _is_fast_in_bfloat16(device: str) -> bool:
    facts = Path("/proc/cpuinfo")
    return device != "cpu" or (facts.is_file() and "avx512_bf16" in facts.read_text("utf-8"))


def main(
    squad: Annotated[Path, typer.Option(help="Questions for training, in SQuAD format.")],
    out: Annotated[Path, typer.Option(help="Where the adapter is written.")] = Path("reader.gguf"),
    epochs: Annotated[float, typer.Option(help="Passes over the data.")] = DEFAULT.epochs,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = DEFAULT.rate,
    rank: Annotated[int, typer.Option(help="Rank of the additions.")] = DEFAULT.rank,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = DEFAULT.seed,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cuda" if torch.cuda.is_available() else "cpu",
) -> None:
    """Train the reader's adapter on SQuAD questions and on the project's own reading corpus."""
    recipe = Recipe(epochs=epochs, rate=rate, rank=rank, alpha=2.0 * rank, seed=seed)
    weights = find_bundled_model()
    facts: dict[str, Any] = asdict(recipe) | {
        "squad": file_digest(squad),
        "corpus": file_digest(TRAIN),
        "wire": file_digest(WIRE_TRAIN),
        "questions": file_digest(QUESTIONS),
        "weights": file_digest(weights),
        "device": device.partition(":")[0],
    }
    paragraphs = read_squad(squad, read_questions())
    random.Random(seed).shuffle(paragraphs)
    held_out = paragraphs[: recipe.held_out] + from_corpus(read_passages([VALIDATION]))[: recipe.held_out]
    training = paragraphs[recipe.held_out :] + from_corpus(read_passages([TRAIN, WIRE_TRAIN]))
    state = runs_folder() / f"reader-{fingerprint(facts)}.pt"
    train(
        recipe,
        with_strangers(training),
        with_strangers(held_out),
        weights,
        out,
        state,
        device,
        lambda line: typer.echo(f"{time.strftime('%H:%M:%S')} {line}"),
    )


if __name__ == "__main__":
    typer.run(main)
