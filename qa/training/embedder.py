"""Trains the embedder: all weights of the bundled one, so that Spanish and English questions find Spanish passages.

    python -m qa.training.embedder --squad squad_es_train.json --out embedder.safetensors

Contrastive, with the passages of a batch as one another's negatives; a quarter of them are taken for one another by
BM25. A run that was stopped goes on by the same command. What it wrote needs a graph: `python -m qa.training.graph`.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch.nn.functional import cross_entropy, normalize

from index.embedder import BUNDLED, find_model, folder_digest
from qa.model_files import file_digest
from qa.training.attention import added, attended
from qa.training.examples import from_corpus, read_squad
from qa.training.pairs import Pairs, Place, batches, near_groups, places
from qa.training.passages import TRAIN, VALIDATION, WIRE_TRAIN, read_passages
from qa.training.questions import QUESTIONS, read_questions
from qa.training.resuming import Run, descend, fingerprint, runs_folder

_ATTENTION = "plain"
_MOST_PASSAGE_TOKENS = 256
_MOST_QUESTION_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a run, beside the data and the weights.

    A batch has `batch_groups` groups of `group_size` passages, each with at most `questions` questions. Similarities
    are multiplied by `scale`; `twin_weight` is that of telling a question by its translation.
    """

    epochs: int = 4
    group_size: int = 12
    batch_groups: int = 6
    questions: int = 6
    rate: float = 2e-4
    warm_steps: int = 40
    scale: float = 20.0
    twin_weight: float = 0.3
    held_out: int = 60
    seed: int = 0


DEFAULT = Recipe()


class Vectors:
    """A BERT encoder with its tokenizer: texts -> unit vectors, as sentence-transformers makes them."""

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        ALL_ATTENTION_FUNCTIONS.register(_ATTENTION, _attend)
        self.encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).to(device)
        self.encoder.config._attn_implementation = _ATTENTION
        self.encoder.train(False)  # no dropout: the runs are short, and every step counts
        self.device = device

    def __call__(self, texts: Sequence[str], most_tokens: int) -> torch.Tensor:
        """Shape (texts, dimension), float32."""
        told = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=most_tokens,
            pad_to_multiple_of=16,
            return_tensors="pt",
        ).to(self.device)
        held = told["attention_mask"]
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16):
            told["attention_mask"] = added(held[:, None, None, :] > 0, torch.bfloat16)
            hidden = self.encoder(**told).last_hidden_state
        weights = held[..., None].float()
        return normalize((hidden.float() * weights).sum(1) / weights.sum(1), dim=-1)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """For transformers' attention interface: (B, H, T, D) three times, mask (B, 1, 1, T) -> (B, T, H, D)."""
    return attended(query * scaling, key, value, attention_mask).transpose(1, 2), None


def batch_loss(vectors: Vectors, batch: Pairs, recipe: Recipe) -> torch.Tensor:
    """How badly questions tell their passages among those of the batch, and English ones their Spanish twins."""
    passages = vectors(batch.passages, _MOST_PASSAGE_TOKENS)
    questions = vectors(batch.questions, _MOST_QUESTION_TOKENS)
    scores = recipe.scale * questions @ passages.T
    if batch.excused:
        rows, columns = torch.tensor(batch.excused, device=vectors.device).T
        scores[rows, columns] = -torch.inf
    loss = cross_entropy(scores, torch.tensor(batch.owners, device=vectors.device))
    if batch.twins and recipe.twin_weight:
        english, spanish = torch.tensor(batch.twins, device=vectors.device).T
        alike = recipe.scale * questions[english] @ questions[spanish].T
        loss = loss + recipe.twin_weight * cross_entropy(alike, torch.arange(len(alike), device=vectors.device))
    return loss


def recall(vectors: Vectors, asked: Sequence[Place], pool: Sequence[Place]) -> dict[str, float]:
    """Share of the questions whose passage comes first among all, by language."""
    everything = [*asked, *pool]
    with torch.inference_mode():
        texts = torch.cat([vectors(part, _MOST_PASSAGE_TOKENS) for part in _parts([each.text for each in everything])])
        found = {}
        for language in ("spanish", "english"):
            told = [(question, owner) for owner, each in enumerate(asked) for question in getattr(each, language)]
            if not told:
                continue
            rows = torch.cat([vectors(part, _MOST_QUESTION_TOKENS) for part in _parts([each for each, _ in told])])
            first = (rows @ texts.T).argmax(1).cpu()
            found[language] = float((first == torch.tensor([owner for _, owner in told])).float().mean())
    return found


def _parts(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[begin : begin + 64] for begin in range(0, len(texts), 64)]


def train(
    recipe: Recipe,
    training: Sequence[Place],
    held_out: Sequence[Place],
    folder: Path,
    out: Path,
    state: Path,
    device: str,
    tell: Callable[[str], None],
) -> None:
    """Trains by the recipe, from the state in that file if it is there, and writes the weights in float16."""
    chance = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    groups = near_groups(training, recipe.group_size)
    plan = [
        batch
        for _ in range(recipe.epochs)
        for batch in batches(training, groups, recipe.batch_groups, recipe.questions, chance)
    ]
    vectors = Vectors(folder, device)
    parameters = [parameter for name, parameter in vectors.encoder.named_parameters() if "pooler" not in name]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0)
    run = Run.open(state, parameters, optimizer)
    pool = training[:600]
    tell(f"{len(plan)} steps, {sum(len(batch.questions) for batch in plan)} questions, from step {run.step}")
    tell(f"validation: {in_words(recall(vectors, held_out, pool))}")

    def validated() -> str:
        write(vectors, out)
        return in_words(recall(vectors, held_out, pool))

    descend(
        run,
        len(plan),
        recipe.rate,
        recipe.warm_steps,
        lambda step: batch_loss(vectors, plan[step], recipe),
        validated,
        lambda: write(vectors, out),
        tell,
    )


def in_words(found: dict[str, float]) -> str:
    """Recall in words.

    >>> in_words({"spanish": 0.5, "english": 0.25})
    'first in spanish 0.500, english 0.250'
    """
    return f"first in {', '.join(f'{language} {share:.3f}' for language, share in found.items())}"


def write(vectors: Vectors, path: Path) -> None:
    """The encoder's weights as safetensors, in float16; those of the unused pooler are left out."""
    from safetensors.torch import save_file

    weights = {
        name: value.detach().cpu().half().contiguous()
        for name, value in vectors.encoder.state_dict().items()
        if "pooler" not in name and value.is_floating_point()
    }
    save_file(weights, path)


def main(
    squad: Annotated[Path, typer.Option(help="Questions for training, in SQuAD format.")],
    out: Annotated[Path, typer.Option(help="Where the weights are written.")] = Path("embedder.safetensors"),
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = DEFAULT.epochs,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = DEFAULT.rate,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = DEFAULT.seed,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cuda" if torch.cuda.is_available() else "cpu",
) -> None:
    """Train the embedder on SQuAD questions and on the project's own reading corpus."""
    recipe = Recipe(epochs=epochs, rate=rate, seed=seed)
    folder = find_model(BUNDLED)
    facts: dict[str, Any] = asdict(recipe) | {
        "squad": file_digest(squad),
        "corpus": file_digest(TRAIN),
        "wire": file_digest(WIRE_TRAIN),
        "questions": file_digest(QUESTIONS),
        "weights": folder_digest(folder),
        "device": device.partition(":")[0],
    }
    readings = read_squad(squad, read_questions())
    chance = random.Random(seed)
    chance.shuffle(readings)
    held_out = readings[: recipe.held_out] + from_corpus(read_passages([VALIDATION]))
    train(
        recipe,
        places(readings[recipe.held_out :] + from_corpus(read_passages([TRAIN, WIRE_TRAIN]))),
        places(held_out),
        folder,
        out,
        runs_folder() / f"embedder-{fingerprint(facts)}.pt",
        device,
        lambda line: typer.echo(f"{time.strftime('%H:%M:%S')} {line}"),
    )


if __name__ == "__main__":
    typer.run(main)
