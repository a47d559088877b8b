"""The embedder's graph: what is shipped is what the command makes, and it computes what torch does."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from index.embedder import ADAPTED, BUNDLED, GRAPH, find_model
from qa.training.graph import encoder_graph, main


def test_the_graph_that_is_shipped_is_that_of_the_weights_beside_it(tmp_path: Path) -> None:
    main(ADAPTED, tmp_path / "made.onnx")
    assert (tmp_path / "made.onnx").read_bytes() == GRAPH.read_bytes()


def small_model(folder: Path, heads: int, layers: int) -> BertModel:
    """A model with random weights in half precision, and its file in the folder."""
    torch.manual_seed(heads + layers)
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=48,
        max_position_embeddings=20,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.eval()  # type: ignore[no-untyped-call]
    for weight in model.parameters():  # as they are made, norms and biases do nothing
        weight.data = (weight.data + 0.2 * torch.randn_like(weight)).half().float()
    config.save_pretrained(folder)
    save_file({name: value.half() for name, value in model.state_dict().items()}, folder / "small.safetensors")
    return model


@pytest.mark.parametrize(("heads", "layers"), [(1, 1), (2, 3), (4, 2)])
def test_a_graph_computes_what_torch_does(tmp_path: Path, heads: int, layers: int) -> None:
    model = small_model(tmp_path, heads, layers)
    graph = encoder_graph(tmp_path, tmp_path / "small.safetensors")
    onnx.save(graph, tmp_path / "small.onnx")
    onnx.checker.check_model(tmp_path / "small.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 2, 7, 20):
        tokens = np.arange(count)[None] * 7 % 50
        with torch.inference_mode():
            mean = model(torch.from_numpy(tokens)).last_hidden_state.mean(dim=1)
        expected = torch.nn.functional.normalize(mean).numpy()
        (found,) = session.run(None, {"input_ids": tokens})
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_weights_of_another_model_are_a_mistake(tmp_path: Path) -> None:
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(KeyError):
        encoder_graph(find_model(BUNDLED), tmp_path / "other.safetensors")
