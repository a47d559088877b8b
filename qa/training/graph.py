"""Writes the graph by which ONNX Runtime works the embedder out, over the very file that holds its weights.

    python -m qa.training.graph

The graph names the places of the weights in `index/adapters/embedder.safetensors` and has none of its own, so that it
is made anew whenever that file is. It is BERT's arithmetic (https://arxiv.org/abs/1810.04805) with the mean over tokens
that sentence-transformers takes, in ONNX Runtime's own operators where it has some for several steps at once
(https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md). What depends on weights alone, as turning
them, the runtime does when it opens the graph.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import onnx
import typer
from onnx import helper

from index.embedder import ADAPTED, BUNDLED, GRAPH, find_model

_FUSED = "com.microsoft"
_OPSET, _IR_VERSION = 17, 9  # the oldest that has all operators: whatever reads it can be older
_TYPES = {"F16": onnx.TensorProto.FLOAT16, "F32": onnx.TensorProto.FLOAT}


class _Graph:
    """Nodes and weights so far."""

    def __init__(self, weights: Path) -> None:
        self._file = weights.name
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._places: dict[str, Any] = json.loads(file.read(length))
        self._begin = 8 + length
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        """A node with one result; gives the name of that."""
        result = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], domain=domain, **attributes))
        return result

    def stored(self, name: str) -> str:
        """A weight as it lies in the file."""
        place = self._places[name]
        begin, end = place["data_offsets"]
        tensor = onnx.TensorProto(name=name, data_type=_TYPES[place["dtype"]], dims=place["shape"])
        tensor.data_location = onnx.TensorProto.EXTERNAL
        where = {"location": self._file, "offset": str(self._begin + begin), "length": str(end - begin)}
        for key, value in where.items():
            tensor.external_data.add(key=key, value=value)
        self.weights.append(tensor)
        return name

    def single(self, name: str) -> str:
        """A weight in single precision."""
        return self.add("Cast", [self.stored(name)], to=onnx.TensorProto.FLOAT)

    def turned(self, name: str) -> str:
        """A matrix as (in, out), in single precision."""
        return self.add("Transpose", [self.single(f"{name}.weight")], perm=[1, 0])

    def number(self, value: int) -> str:
        """A whole number, as a vector of one."""
        name = f"number{value}"
        self.weights.append(helper.make_tensor(name, onnx.TensorProto.INT64, [1], [value]))
        return name


def encoder_graph(folder: Path, weights: Path) -> onnx.ModelProto:
    """Token numbers (1, tokens) -> the vector of length 1, (1, dimension), for the model in a sentence-transformers
    folder with the weights of a safetensors file.

    Raises `KeyError` for a weight that the file lacks.
    """
    settings = json.loads((folder / "config.json").read_bytes())
    epsilon, heads = settings["layer_norm_eps"], settings["num_attention_heads"]
    graph = _Graph(weights)

    def norm_of(x: str, added: str, bias: str, name: str) -> str:
        scale = [graph.single(f"{name}.weight"), graph.single(f"{name}.bias")]
        inputs = [added, x, *scale, graph.single(f"{bias}.bias")]
        return graph.add("SkipLayerNormalization", inputs, _FUSED, epsilon=epsilon)

    x = _embedded(graph, epsilon)
    for number in range(settings["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        attention, out = f"{layer}.attention.self", f"{layer}.attention.output"
        inward = [f"{attention}.{name}" for name in ("query", "key", "value")]
        weight = graph.add("Concat", [graph.turned(name) for name in inward], axis=1)
        bias = graph.add("Concat", [graph.single(f"{name}.bias") for name in inward], axis=0)
        attended = graph.add("Attention", [x, weight, bias], _FUSED, num_heads=heads)
        added = graph.add("MatMul", [attended, graph.turned(f"{out}.dense")])
        x = norm_of(x, added, f"{out}.dense", f"{out}.LayerNorm")
        wide = graph.add("MatMul", [x, graph.turned(f"{layer}.intermediate.dense")])
        active = graph.add("BiasGelu", [wide, graph.single(f"{layer}.intermediate.dense.bias")], _FUSED)
        added = graph.add("MatMul", [active, graph.turned(f"{layer}.output.dense")])
        x = norm_of(x, added, f"{layer}.output.dense", f"{layer}.output.LayerNorm")
    mean = graph.add("ReduceMean", [x], axes=[1], keepdims=0)
    graph.nodes.append(helper.make_node("LpNormalization", [mean], ["sentence_embedding"], axis=-1, p=2))
    inputs = [helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [1, "tokens"])]
    shape = [1, settings["hidden_size"]]
    outputs = [helper.make_tensor_value_info("sentence_embedding", onnx.TensorProto.FLOAT, shape)]
    whole = helper.make_graph(graph.nodes, folder.name, inputs, outputs, graph.weights)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="consta")


def _embedded(graph: _Graph, epsilon: float) -> str:
    """What enters the first layer: words, places and the first segment, as a single text has no other."""
    # The table of words stays as it is: a text needs few of its rows.
    rows = graph.add("Gather", [graph.stored("embeddings.word_embeddings.weight"), "input_ids"])
    words = graph.add("Cast", [rows], to=onnx.TensorProto.FLOAT)
    zero, one, two = (graph.number(value) for value in (0, 1, 2))
    tables = ("embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight")
    places, segments = (graph.single(name) for name in tables)
    segment = graph.add("Slice", [segments, zero, one, zero])
    tokens = graph.add("Slice", [graph.add("Shape", ["input_ids"]), one, two, zero])
    placed = graph.add("Slice", [graph.add("Add", [places, segment]), zero, tokens, zero])
    scale = [graph.single(f"embeddings.LayerNorm.{name}") for name in ("weight", "bias")]
    return graph.add("LayerNormalization", [graph.add("Add", [words, placed]), *scale], axis=-1, epsilon=epsilon)


def main(
    weights: Annotated[Path, typer.Option(help="The weights, as safetensors.")] = ADAPTED,
    out: Annotated[Path, typer.Option(help="Where the graph is written: beside the weights.")] = GRAPH,
) -> None:
    """Write the graph of the bundled embedder over its weights."""
    onnx.save(encoder_graph(find_model(BUNDLED), weights), out)


if __name__ == "__main__":
    typer.run(main)
