"""The embedder's training: its loss is the one that is written down, it falls, and what is written can be loaded."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import AutoModel, BertConfig, BertModel, BertTokenizer

from index.embedder import BUNDLED, SentenceTransformerEmbedder, find_model
from qa.training import embedder, resuming
from qa.training.embedder import Recipe, Vectors, batch_loss, recall, train, write
from qa.training.examples import plain
from qa.training.pairs import Pairs, Place, pairs

STORIES = [
    ("El volcán Misti arrojó ceniza.", "¿Qué arrojó ceniza?", "What threw ash?", "volcán Misti"),
    ("La huelga de trenes acabó ayer.", "¿Cuándo acabó la huelga?", "When did the strike end?", "ayer"),
    ("El café subió de precio en Lima.", "¿Dónde subió el café?", "Where did coffee rise?", "Lima"),
    ("Ana Soto ganó la carrera.", "¿Quién ganó la carrera?", "Who won the race?", "Ana Soto"),
    ("La lluvia cerró el puente.", "¿Qué cerró el puente?", "What closed the bridge?", "lluvia"),
    ("El museo abre a las nueve.", "¿Cuándo abre el museo?", "When does the museum open?", "a las nueve"),
]
PLACES = [
    Place(text, (spanish,), (english,), (plain(words), plain(words)), plain(text))
    for text, spanish, english, words in STORIES
]
RECIPE = Recipe(epochs=8, group_size=2, batch_groups=2, questions=2, rate=5e-3, warm_steps=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that knows the words of the stories, with random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    words = sorted(set(re.findall(r"\w+|[^\w\s]", " ".join(plain(" ".join(story)) for story in STORIES))))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    configuration = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(configuration).save_pretrained(folder)
    return folder


@dataclass
class Given:
    """Vectors that are given for each text, in the place of an encoder; the loss may be followed back to them."""

    known: dict[str, torch.Tensor]
    device: str = "cpu"

    def __call__(self, texts: Sequence[str], most_tokens: int) -> torch.Tensor:
        return torch.stack([self.known[text] for text in texts])


def given_vectors(texts: Sequence[str], seed: int) -> Any:
    rows = torch.randn(len(texts), 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rows = (rows / rows.norm(dim=1, keepdim=True)).requires_grad_()
    return Given(dict(zip(texts, rows, strict=True)))


def numpy_of(vectors: Any, texts: Sequence[str]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = vectors(texts, 0).detach().numpy()
    return found


def loss_by_hand(vectors: Any, batch: Pairs, scale: float, twin_weight: float) -> float:
    """Question by question, without a matrix."""
    questions, passages = numpy_of(vectors, batch.questions), numpy_of(vectors, batch.passages)
    each = []
    for number, owner in enumerate(batch.owners):
        rivals = [i for i in range(len(passages)) if (number, i) not in batch.excused]
        weights = {i: np.exp(scale * np.dot(questions[number], passages[i])) for i in rivals}
        each.append(-np.log(weights[owner] / sum(weights.values())))
    loss = float(np.mean(each))
    if batch.twins:
        told = []
        for english, own in batch.twins:
            among = {
                spanish: np.exp(scale * np.dot(questions[english], questions[spanish])) for _, spanish in batch.twins
            }
            told.append(-np.log(among[own] / sum(among.values())))
        loss += twin_weight * float(np.mean(told))
    return loss


@st.composite
def some_pairs(draw: st.DrawFn) -> Pairs:
    passages = draw(st.integers(1, 5))
    owners: list[int] = []
    twins = []
    for _ in range(draw(st.integers(1, 5))):
        owner = draw(st.integers(0, passages - 1))
        owners.append(owner)
        if draw(st.booleans()):
            twins.append((len(owners), len(owners) - 1))
            owners.append(owner)
    others = [(number, i) for number, owner in enumerate(owners) for i in range(passages) if i != owner]
    excused = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    texts, asked = (tuple(f"{sign}{i}" for i in range(count)) for sign, count in (("P", passages), ("Q", len(owners))))
    return Pairs(texts, asked, tuple(owners), tuple(excused), tuple(twins))


@given(
    batch=some_pairs(), seed=st.integers(0, 99), scale=st.sampled_from([1.0, 20.0]), weight=st.sampled_from([0.0, 0.3])
)
def test_the_loss_is_what_it_is_by_hand(batch: Pairs, seed: int, scale: float, weight: float) -> None:
    vectors = given_vectors([*batch.passages, *batch.questions], seed)
    loss = batch_loss(vectors, batch, Recipe(scale=scale, twin_weight=weight))
    assert float(loss.detach()) == pytest.approx(loss_by_hand(vectors, batch, scale, weight), rel=1e-6, abs=1e-9)
    loss.backward()  # type: ignore[no-untyped-call]


def test_an_excused_passage_is_not_pushed_away() -> None:
    texts = ["own", "excused", "rival", "question"]
    rows = torch.eye(4, dtype=torch.float64).requires_grad_()
    vectors: Any = Given(dict(zip(texts, rows, strict=True)))
    loss = batch_loss(vectors, Pairs(("own", "excused", "rival"), ("question",), (0,), ((0, 1),), ()), Recipe())
    loss.backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None
    assert (rows.grad.abs().sum(1) > 0).tolist() == [True, False, True, True]


def test_recall_is_the_share_whose_passage_comes_first() -> None:
    def at(*numbers: float) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.float32)

    vectors: Any = Given(
        {
            "A": at(1, 0, 0),
            "B": at(0, 1, 0),
            "pool": at(0, 0, 1),
            "¿a1?": at(0.9, 0.1, 0),
            "¿a2?": at(0.3, 0.1, 0.6),  # the pool is nearer
            "¿b?": at(0.6, 0.4, 0),  # the other is nearer
            "¿b2?": at(0.1, 0.9, 0),
            "a?": at(0.8, 0, 0.1),
        }
    )
    asked = [Place("A", ("¿a1?", "¿a2?"), ("a?",), (), ""), Place("B", ("¿b?", "¿b2?"), (), (), "")]
    assert recall(vectors, asked, [Place("pool", ("¿x?",), (), (), "")]) == {"spanish": 0.5, "english": 1.0}


def test_vectors_have_length_1_and_do_not_depend_on_their_neighbours(folder: Path) -> None:
    vectors = Vectors(folder, "cpu")
    texts = [story[0] for story in STORIES] + [" ".join(story[0] for story in STORIES)]
    with torch.inference_mode():
        together = vectors(texts, 64)
        alone = torch.cat([vectors([text], 64) for text in texts])
        cut = vectors(texts, 16)
    assert together.norm(dim=1).tolist() == pytest.approx([1.0] * len(texts), abs=1e-5)
    assert (together * alone).sum(1).min() > 0.999
    assert (together * cut).sum(1)[-1] < 0.99


def test_vectors_are_those_of_sentence_transformers() -> None:
    texts = ["¿Quién ganó la carrera?", "El café subió de precio en Lima, según los datos que se publicaron ayer."]
    folder = find_model(BUNDLED)
    with torch.inference_mode():
        ours = Vectors(folder, "cpu")(texts, 256).numpy()
    theirs = SentenceTransformerEmbedder(BUNDLED, folder, "").encode(texts)
    assert (ours * theirs).sum(1).min() > 0.999  # 16 bits here, 32 there


@dataclass
class Trained:
    """What a call of `train` left and told."""

    weights: Path
    state: Path
    lines: list[str]

    @property
    def begun_at(self) -> int:
        return int(self.lines[0].rpartition(" ")[2])


Trainer = Callable[[Path], Trained]


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Trainer:
    def run(into: Path) -> Trained:
        made = Trained(into / "embedder.safetensors", into / "state.pt", [])
        train(RECIPE, PLACES, PLACES[:3], folder, made.weights, made.state, "cpu", made.lines.append)
        return made

    return run


@pytest.fixture(scope="module")
def trained(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One run that was not stopped."""
    return trainer(tmp_path_factory.mktemp("trained"))


def with_weights(folder: Path, weights: Path) -> Vectors:
    vectors = Vectors(folder, "cpu")
    left = vectors.encoder.load_state_dict(load_file(weights), strict=False)
    assert not left.unexpected_keys and all("pooler" in name for name in left.missing_keys)
    return vectors


def test_training_brings_questions_to_their_passages(trained: Trained, folder: Path) -> None:
    batch = pairs(PLACES, 2, random.Random(0))
    with torch.inference_mode():
        before, after = (
            float(batch_loss(vectors, batch, RECIPE))
            for vectors in (Vectors(folder, "cpu"), with_weights(folder, trained.weights))
        )
    assert after < before - 1
    assert recall(with_weights(folder, trained.weights), PLACES, []) == {"spanish": 1.0, "english": 1.0}


def test_a_run_that_was_stopped_gives_the_same_weights(
    trained: Trained, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def stop_at_the_sixth(vectors: Vectors, batch: Pairs, recipe: Recipe) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked == 6:
            raise KeyboardInterrupt
        return batch_loss(vectors, batch, recipe)

    monkeypatch.setattr(resuming, "SECONDS_BETWEEN", -1.0)
    monkeypatch.setattr(embedder, "batch_loss", stop_at_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path)
    assert not (tmp_path / "embedder.safetensors").exists()
    again = trainer(tmp_path)
    assert (trained.begun_at, again.begun_at) == (0, 5)
    assert again.weights.read_bytes() == trained.weights.read_bytes()


def test_a_second_call_does_no_step_and_writes_the_same_weights(trained: Trained, trainer: Trainer) -> None:
    weights, state = trained.weights.read_bytes(), trained.state.read_bytes()
    trained.weights.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedder, "batch_loss", None)
        again = trainer(trained.weights.parent)
    assert again.begun_at == int(again.lines[0].split()[0]) > 6
    assert (again.weights.read_bytes(), again.state.read_bytes()) == (weights, state)


def test_what_is_written_are_halves_without_the_pooler(folder: Path, tmp_path: Path) -> None:
    vectors, path = Vectors(folder, "cpu"), tmp_path / "embedder.safetensors"
    write(vectors, path)
    found, whole = load_file(path), dict(vectors.encoder.named_parameters())
    assert set(found) == {name for name in whole if "pooler" not in name} < set(whole)
    assert {value.dtype for value in found.values()} == {torch.float16}
    assert all(torch.equal(value, whole[name].detach().half()) for name, value in found.items())


def test_the_program_takes_what_is_written_in_the_place_of_the_folders_weights(trained: Trained, folder: Path) -> None:
    texts = [text for story in STORIES for text in story[:3]]
    with torch.inference_mode():
        before, after = (
            vectors(texts, 64).numpy() for vectors in (Vectors(folder, "cpu"), with_weights(folder, trained.weights))
        )
    found = SentenceTransformerEmbedder("tiny", folder, "", trained.weights).encode(texts)
    assert (found * after).sum(1).min() > 0.999
    assert (found * before).sum(1).min() < 0.9


def test_what_is_written_loads_as_the_weights_of_the_folder(trained: Trained, folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(trained.weights.read_bytes())
    loaded = AutoModel.from_pretrained(tmp_path, dtype=torch.float32)
    expected = with_weights(folder, trained.weights).encoder
    for model in (loaded, expected):
        model.config._attn_implementation = "eager"
    tokens = torch.tensor([[2, 5, 6, 7, 3]])
    with torch.inference_mode():
        assert torch.equal(*(model.eval()(tokens).last_hidden_state for model in (loaded, expected)))
    changed = (
        loaded.get_input_embeddings().weight - Vectors(folder, "cpu").encoder.get_input_embeddings().weight
    ).abs()
    assert changed.max() > 0.01
