"""The distribution: what it depends on, and what a wheel of it holds."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("qa", "index", "prompts", "eval")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [*PROJECT["dependencies"], *(it for extra in PROJECT["optional-dependencies"].values() for it in extra)]
CONSTRAINTS = [
    line
    for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def pin(requirement: str) -> tuple[str, str]:
    """'PyStemmer==3.1.0' -> ('pystemmer', '3.1.0'); anything that is not one exact release fails."""
    found = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][0-9a-z.]*)", requirement)
    assert found, f"{requirement!r} is not pinned as name==version, without a build tag"
    return re.sub(r"[-_.]+", "-", found[1]).lower(), found[2]


@pytest.mark.parametrize("requirement", DIRECT)
def test_constraints_hold_each_direct_dependency_at_the_same_version(requirement: str) -> None:
    name, version = pin(requirement)
    assert dict(map(pin, CONSTRAINTS)).get(name) == version


def test_constraints_are_pinned_once_each() -> None:
    names = [pin(line)[0] for line in CONSTRAINTS]
    assert len(names) == len(set(names))


def test_constraints_cover_all_that_is_needed_here() -> None:
    """Every requirement of every requirement, as the installed packages state them, is in the constraints."""
    known = {pin(line)[0] for line in CONSTRAINTS} | {"pip"}
    unknown = {
        f"{name} needs {needed}"
        for name in known
        for needed in required_by(name)
        if needed not in known and is_installed(needed)
    }
    assert not unknown


def required_by(name: str) -> list[str]:
    """The unconditional requirements of an installed distribution; none if it is not installed."""
    stated = importlib.metadata.requires(name) or [] if is_installed(name) else []
    plain = [re.match(r"[A-Za-z0-9._-]+", it) for it in stated if ";" not in it]
    return [re.sub(r"[-_.]+", "-", it[0]).lower() for it in plain if it]


def is_installed(name: str) -> bool:
    """Whether a distribution of that name is installed."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def test_the_installed_version_is_this_one() -> None:
    assert importlib.metadata.version("consta") == PROJECT["version"]


def test_the_changelog_knows_this_version() -> None:
    assert PROJECT["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that is built from a copy of the sources, without a network."""
    sources, built = tmp_path_factory.mktemp("sources") / "consta", tmp_path_factory.mktemp("built")
    unwanted = shutil.ignore_patterns(".venv", ".git", "build", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, sources, ignore=unwanted)
    (sources / "qa" / "training" / "data").mkdir(parents=True, exist_ok=True)
    (sources / "qa" / "training" / "data" / "examples.jsonl").write_text("{}\n")
    script = f"import setuptools.build_meta as backend; backend.build_wheel({str(built)!r})"
    done = subprocess.run([sys.executable, "-c", script], cwd=sources, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_wheel_holds_every_module(wheel_files: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert modules - wheel_files == {it for it in modules if it.startswith("qa/training/data/")}


def test_wheel_holds_the_data_that_the_program_reads(wheel_files: set[str]) -> None:
    markers = (f"{package}/py.typed" for package in PACKAGES)
    patterns = (
        "prompts/*.txt",
        "qa/*.json",
        "qa/adapters/*",
        "index/adapters/*",
        "eval/*.jsonl",
        "eval/templates/*",
        *markers,
    )
    data = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    assert data <= wheel_files
    assert {f"{package}/py.typed" for package in PACKAGES} <= data


@pytest.mark.parametrize(
    ("path", "most"), [("qa/adapters/reader.gguf", 25e6), ("index/adapters/embedder.safetensors", 46e6)]
)
def test_wheel_holds_the_trained_weights_and_they_are_small(path: str, most: float, wheel_files: set[str]) -> None:
    assert path in wheel_files
    assert (ROOT / path).stat().st_size <= most


def test_wheel_holds_nothing_else(wheel_files: set[str]) -> None:
    own = {name for name in wheel_files if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in own} == set(PACKAGES)
    assert not [name for name in own if name.startswith("qa/training/data/")]
    data = {".typed", ".txt", ".json", ".jsonl", ".gguf", ".onnx", ".safetensors", ".md", ".jinja", ".css", ".js"}
    assert {Path(name).suffix for name in own} <= {".py", *data}


def test_wheel_carries_the_licence_and_the_command(wheel_files: set[str]) -> None:
    folder = f"consta-{PROJECT['version']}.dist-info"
    assert {f"{folder}/licenses/LICENSE", f"{folder}/entry_points.txt"} <= wheel_files
