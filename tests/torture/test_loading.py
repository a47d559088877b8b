"""What is loaded and run while the commands work: nothing pickled, no disk cache, no code but that which is installed.

Enter the commands of `every_command`, watched by `audit`, and folders that pass for embedding models and are traps. A
dependency may bring what it likes (`llama_cpp` imports `diskcache`) as long as none of it is used.
"""

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from index.embedder import open_embedder
from index.errors import EmbedderError
from tests.torture.every_command import EXPECTED, Watched, audited, every_command

Figure = Callable[[str], None]
FORBIDDEN = {
    "unpickled by ours",
    "unpickled",
    "unpickled a global",
    "opened a file that may be pickled",
    "opened a database",
    "sent to a network",
    "asked for an address",
    "started a program",
    "forked",
    "ran foreign code",
    "ran code made by ours",
}
# matplotlib asks for the fonts of the machine, once for a cache, before the first report with plots is drawn.
FONTS = "subprocess.Popen ('fc-list', "


@pytest.fixture(scope="module")
def watched() -> Watched:
    return every_command()


# --- the commands


def test_every_command_did_its_work_while_it_was_watched(watched: Watched) -> None:
    assert watched.statuses == EXPECTED
    assert watched.printed.count("una limusina rusa de lujo") >= 3
    assert "2 questions in " in watched.printed
    assert watched.imported >= {"torch", "sentence_transformers", "faiss", "bm25s", "llama_cpp", "matplotlib"}


def test_no_command_unpickles_anything(watched: Watched, figure: Figure) -> None:
    found = {kind: watched.seen.get(kind, {}) for kind in sorted(FORBIDDEN) if "pickled" in kind}
    figure(", ".join(f"{kind}: {len(found[kind])}" for kind in found))
    assert not any(found.values()), found


def test_a_disk_cache_is_imported_by_a_dependency_and_none_is_opened(watched: Watched, figure: Figure) -> None:
    figure(f"disk caches opened: {len(watched.seen.get('opened a database', {}))}")
    assert "diskcache" in watched.imported
    assert "opened a database" not in watched.seen


def test_no_command_asks_the_interpreter_for_a_network(watched: Watched) -> None:
    assert watched.seen.keys() & {"sent to a network", "asked for an address"} == set()


def test_no_command_runs_code_that_is_not_installed(watched: Watched) -> None:
    assert watched.seen.keys() & {"ran foreign code", "ran code made by ours"} == set()


def test_no_command_starts_a_program_but_to_ask_for_fonts(watched: Watched, figure: Figure) -> None:
    started = watched.seen.get("started a program", {})
    figure(f"programs started: {sum(started.values())}")
    assert [each for each in started if not each.startswith(FONTS)] == []
    assert "forked" not in watched.seen


def test_all_that_is_looked_for_would_be_seen(tmp_path: Path) -> None:
    log, _ = audited("faults", tmp_path)
    assert log["seen"].keys() == FORBIDDEN


# --- folders that pass for embedding models

POOLED = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
DENSE = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}


class Trap:
    """A small model's folder, and a file that is there once code from the folder has run."""

    def __init__(self, place: Path, whole: Path) -> None:
        self.folder = place / "model"
        self.sprung = place / "sprung"
        shutil.copytree(whole, self.folder)
        code = f"from pathlib import Path\nPath({str(self.sprung)!r}).touch()\nclass Foreign: ...\n"
        (self.folder / "foreign.py").write_text(code)

    def write(self, file: str, content: Any) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))

    def change(self, file: str, **more: object) -> None:
        self.write(file, {**json.loads((self.folder / file).read_text()), **more})

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        """Pickled, it is what touches the file when it is unpickled."""
        return Path.touch, (self.sprung,)

    def open(self) -> None:
        open_embedder(str(self.folder)).encode(["a b c"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with random weights, as small as may be."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("whole") / "model"
    small = BertConfig(
        vocab_size=30,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=16,
    )
    BertModel(small).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    return folder


@pytest.fixture
def trap(tmp_path: Path, whole: Path) -> Iterator[Trap]:
    yield Trap(tmp_path, whole)
    shutil.rmtree(tmp_path / "model")


def test_a_folder_without_a_trap_loads(trap: Trap) -> None:
    trap.open()
    assert not trap.sprung.exists()


def test_a_trap_springs_where_its_folder_is_trusted(trap: Trap) -> None:
    from sentence_transformers import SentenceTransformer

    trap.write("modules.json", [{**POOLED[0], "type": "foreign.Foreign"}])
    with pytest.raises(AttributeError):  # it is no module; by then its code has run
        SentenceTransformer(str(trap.folder), device="cpu", local_files_only=True, trust_remote_code=True)
    assert trap.sprung.exists()


def test_a_pickled_trap_springs_where_it_is_unpickled(trap: Trap) -> None:
    pickle.loads(pickle.dumps(trap))
    assert trap.sprung.exists()


@pytest.mark.parametrize("architecture", ["bert", "foreign"])
def test_code_that_a_configuration_names_for_the_model_is_not_run(trap: Trap, architecture: str) -> None:
    named = {"AutoConfig": "foreign.Foreign", "AutoModel": "foreign.Foreign"}
    trap.change("config.json", model_type=architecture, auto_map=named)
    if architecture == "bert":  # which the library knows itself
        trap.open()
    else:
        with pytest.raises(EmbedderError):
            trap.open()
    assert not trap.sprung.exists()


def test_code_that_a_configuration_names_for_the_tokeniser_is_not_run(trap: Trap) -> None:
    trap.change(
        "tokenizer_config.json", tokenizer_class="Foreign", auto_map={"AutoTokenizer": ["foreign.Foreign", None]}
    )
    with pytest.raises(EmbedderError):
        trap.open()
    assert not trap.sprung.exists()


def test_code_that_is_named_as_a_module_is_not_run(trap: Trap) -> None:
    trap.write("modules.json", [{**POOLED[0], "type": "foreign.Foreign"}])
    with pytest.raises(EmbedderError):
        trap.open()
    assert not trap.sprung.exists()


def with_layer(trap: Trap, activation: str) -> None:
    """Gives the model a layer with weights of its own and with that function behind it."""
    trap.write("modules.json", [*POOLED, DENSE])
    trap.write("1_Pooling/config.json", {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True})
    layer = {"in_features": 8, "out_features": 8, "bias": False, "activation_function": activation}
    trap.write("2_Dense/config.json", layer)


def test_code_that_is_named_as_a_function_of_a_layer_is_not_run(trap: Trap) -> None:
    import torch
    from safetensors.torch import save_file

    with_layer(trap, "foreign.Foreign")
    save_file({"linear.weight": torch.eye(8)}, trap.folder / "2_Dense" / "model.safetensors")
    trap.open()
    assert not trap.sprung.exists()


@pytest.mark.parametrize("layer", [False, True])
def test_weights_that_are_a_pickled_trap_run_nothing(trap: Trap, layer: bool) -> None:
    if layer:
        with_layer(trap, "torch.nn.modules.linear.Identity")
    else:
        (trap.folder / "model.safetensors").unlink()
    weights = trap.folder / ("2_Dense" if layer else ".") / "pytorch_model.bin"
    weights.write_bytes(pickle.dumps(trap, protocol=2))
    with pytest.raises(EmbedderError, match=r"pytorch_model\.bin are a pickle, which may hold code; "):
        trap.open()
    assert not trap.sprung.exists()
