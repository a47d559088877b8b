"""The order of the layers, read from the imports: each module imports only from its own layer or one further down."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("qa", "index", "prompts", "eval")
HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "llama_cpp", "bm25s"}

# From the top down. `package.*` stands for all modules of a package and the package itself.
LAYERS = (
    {"qa.training.corpus", "qa.training.fit_reading", "qa.training.reader", "qa.training.embedder"},
    {"qa.training.fit_orders", "qa.training.fit_ranker", "qa.training.graph", "qa.training.pairs"},
    {"qa.training.examples", "qa.training.packing", "qa.training.resuming"},
    {"qa.training.questions"},
    {"qa.training.card"},
    {"qa.training.faults", "qa.training.figures", "qa.training.second_reader", "qa.training.telling"},
    {"qa.training.drafts"},
    {"qa.training.attention", "qa.training.lora"},
    {"qa.training", "qa.training.passages", "qa.training.weights"},
    {"eval.bench.__main__", "eval.readme"},
    {
        "eval.bench.batches",
        "eval.bench.cold",
        "eval.bench.indexing",
        "eval.bench.searching",
        "eval.bench.vectors",
        "eval.bench.warm",
    },
    {"eval.bench.bare", "eval.bench.ground", "eval.bench.recording", "eval.bench.reference", "eval.bench.replaying"},
    {"eval.bench.corpus", "eval.bench.packages", "eval.bench.processes", "eval.bench.report"},
    {
        "eval.bench",
        "eval.bench.launching",
        "eval.bench.machine",
        "eval.bench.markup",
        "eval.bench.pairs",
        "eval.bench.roff",
        "eval.bench.rows",
    },
    {"qa.cli", "qa.__main__"},
    {"qa.batch", "qa.chat", "qa.session"},
    {"eval.cli", "eval.conversations", "eval.spelling", "eval.wording"},
    {"eval.authoring", "eval.suite", "eval.tables"},
    {"eval.baseline", "eval.drafting", "eval.growing", "eval.report", "eval.variants"},
    {"eval.baselines", "eval.page", "eval.question_set", "eval.run", "eval.squad", "eval.summary"},
    {"eval.judging", "eval.measures", "eval.plots", "eval.rankings", "eval.systems"},
    {"eval", "eval.counting", "eval.intervals", "eval.markdown", "eval.metrics", "eval.normalisation", "eval.types"},
    {"qa"},
    {"qa.answers_file", "qa.keyboard", "qa.options", "qa.questions", "qa.terminal"},
    {"qa.guard", "qa.inspection", "qa.record", "qa.render", "qa.transcript", "qa.verification"},
    {"qa.answer"},
    {"qa.proof"},
    {
        "qa.citations",
        "qa.composing",
        "qa.confidence",
        "qa.conversation",
        "qa.choosing",
        "qa.copying",
        "qa.coverage",
        "qa.current",
        "qa.engine",
        "qa.expectation",
        "qa.intent",
        "qa.ledger",
        "qa.loading",
        "qa.merging",
        "qa.model",
        "qa.model_files",
        "qa.opening",
        "qa.orders",
        "qa.overview",
        "qa.preparing",
        "qa.prompt",
        "qa.ranking",
        "qa.reader",
        "qa.recent",
        "qa.runs",
        "qa.rewriting",
        "qa.wording",
    },
    {"index.build", "index.search"},
    {
        "index.chunker",
        "index.countries",
        "index.corpus",
        "index.dense",
        "index.echo",
        "index.embedder",
        "index.encoder",
        "index.files",
        "index.fusion",
        "index.generation",
        "index.lexical",
        "index.manifest",
        "index.plain",
        "index.quantities",
        "index.skips",
        "index.spanish",
        "index.spelling",
        "index.store",
        "index.thesaurus",
    },
    {"qa.types", "qa.errors", "qa.settings", "index.types", "index.errors"},
    {"index", "prompts.*"},
)


class Import(NamedTuple):
    """One imported module; `eager` if importing the importer is enough to import it."""

    module: str
    line: int
    eager: bool


def module_name(path: Path) -> str:
    """qa/cli.py -> 'qa.cli', qa/__init__.py -> 'qa'."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def layer_of(module: str) -> int | None:
    """The number of the module's layer, counted from the top; None if no layer names it."""
    families = {".".join(module.split(".")[:depth]) + ".*" for depth in range(1, module.count(".") + 2)}
    return next((number for number, layer in enumerate(LAYERS) if layer & {module, *families}), None)


def targets(node: ast.Import | ast.ImportFrom, module: str, is_package: bool) -> list[str]:
    """The modules that one import statement names; in `from x import y`, y counts where it is a module of ours."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    parents = module.split(".") if is_package else module.split(".")[:-1]
    start = parents[: len(parents) - node.level + 1] if node.level else []
    source = ".".join([*start, *([node.module] if node.module else [])])
    return [name if (name := f"{source}.{alias.name}") in MODULES else source for alias in node.names]


def is_type_checking(node: ast.AST) -> bool:
    """Whether the statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def statements(node: ast.AST, eager: bool = True) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """All import statements under a node, each with whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, eager
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_type_checking(child)
        yield from statements(child, eager and not deferred)


def imports_of(module: str) -> list[Import]:
    """Everything that a module of ours imports, inside functions too."""
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    is_package = path.name == "__init__.py"
    return [
        Import(target, node.lineno, eager)
        for node, eager in statements(tree)
        for target in targets(node, module, is_package)
    ]


def test_the_packages_were_read() -> None:
    assert {"qa.types", "index.types"} <= MODULES.keys()


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_nothing_from_above(module: str) -> None:
    own = layer_of(module)
    assert own is not None, f"{module} is in no layer: add it to LAYERS in tests/test_layers.py and to ARCHITECTURE.md"
    for target, line, _ in imports_of(module):
        if target.split(".")[0] in PACKAGES:
            other = layer_of(target)
            assert other is not None, f"{module}:{line} imports {target}, which is in no layer"
            assert other >= own, f"{module}:{line} imports {target}, which lies above it"


def test_index_does_not_know_qa() -> None:
    found = [(name, it) for name in MODULES if name.split(".")[0] == "index" for it in imports_of(name)]
    assert not [(name, it) for name, it in found if it.module.split(".")[0] in {"qa", "eval"}]


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("qa.training")])
def test_heavy_libraries_are_imported_only_where_they_are_used(module: str) -> None:
    found = [it for it in imports_of(module) if it.eager and it.module.split(".")[0] in HEAVY]
    assert not found, f"{module} imports these at once, not inside a function: {found}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    waiting = {name: {it.module for it in imports_of(name)} & MODULES.keys() - {name} for name in MODULES}
    while free := [name for name, needs in waiting.items() if not needs & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert not waiting, f"these import each other in a circle, or import such a circle: {sorted(waiting)}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import faiss", [("faiss", True)]),
        ("import faiss.contrib as f, json", [("faiss.contrib", True), ("json", True)]),
        ("def f():\n    import torch", [("torch", False)]),
        ("class C:\n    import torch", [("torch", True)]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", [("typing", True), ("torch", False)]),
        ("from index import types", [("index.types", True)]),
        ("from . import types", [("qa.types", True)]),
        ("from .types import Answer", [("qa.types", True)]),
    ],
)
def test_imports_are_read_as_python_reads_them(source: str, expected: list[tuple[str, bool]]) -> None:
    found = [(name, eager) for node, eager in statements(ast.parse(source)) for name in targets(node, "qa.cli", False)]
    assert found == expected


@pytest.mark.parametrize(
    ("module", "like"),
    [("qa.training.passages", "qa.training"), ("eval.metrics", "eval"), ("prompts", "index")],
)
def test_families_share_a_layer(module: str, like: str) -> None:
    assert layer_of(module) == layer_of(like) is not None
    assert layer_of("qa.nowhere") is None
