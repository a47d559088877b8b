"""Hostile folders through the whole path, from the listing to the index that is loaded: nothing from outside of the
folder is in it, nothing waits, what is good is served, and what is not is told.

Each folder is read in a process of its own, which is ended if it hangs. A stand-in embeds; nothing is asked here.
"""

import os
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index import store
from index.build import is_stale, update
from index.chunker import ChunkerSettings
from index.types import Skipped
from tests.torture.processes import in_process
from tests.torture.trees import (
    ALSO_SERVED,
    GOOD,
    LINK,
    NOT_REGULAR,
    SECRET,
    TREES,
    Tree,
    extensions_without_number,
    locked_files_and_folders,
    pipes,
    planted,
)

MOST_SECONDS = 5.0
"""Of the processor, for a folder: how busy the machine is has no part in it."""
MOST_MIB = 1024
_NOBODY = 65534
# The beginning of its index term, in which it would stand in the lexical index.
_SECRET_BYTES = SECRET[:9].encode()

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the folders are made of what POSIX has")
Figure = Callable[[str], None]


class Alike:
    """Stands in for an embedding model; to it all texts are alike, so that the time goes into what is tried."""

    name, digest, dimension = "alike", "a1", 4

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), self.dimension), 0.5, dtype=np.float32)


@dataclass(frozen=True)
class Outcome:
    """What became of a folder: the texts by file, what was told of the rest, and what it cost."""

    texts: Mapping[str, str]
    skipped: tuple[Skipped, ...]
    seconds: float = 0.0
    mebibytes: int = 0
    stale: bool = False


def through_the_index(root: Path, index_dir: Path) -> Outcome:
    began = time.process_time()
    changes = update(root, index_dir, Alike(), ChunkerSettings())[1]
    seconds = time.process_time() - began
    stored = store.load(index_dir)
    texts = {document.file: document.written for document in stored.documents}
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Outcome(texts, changes.skipped, seconds, mebibytes, is_stale(stored, root))


def without_privileges(place: Path) -> Outcome:
    """The same for a user other than root, whom no lock keeps out. The folders above may be closed to this user."""
    os.chdir(place)
    if os.geteuid() == 0:
        # All that is imported on the way must be there before: it may lie in root's own folder.
        through_the_index(Path("articles"), place / "first")
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    with tempfile.TemporaryDirectory() as folder:
        return through_the_index(Path("articles"), Path(folder) / "index")


def naively(root: Path, index_dir: Path) -> Outcome:
    """What a program does that expects no harm: it opens whatever there is, and says nothing of the rest."""
    texts = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.txt")}
    index_dir.mkdir()
    (index_dir / "texts").write_text("".join(texts.values()))
    return Outcome(texts, ())


def faults(outcome: Outcome, served: Mapping[str, str], refused: Mapping[str, str], index_dir: Path) -> list[str]:
    """All that is wrong with what became of a folder."""
    found = [f"not served as it is: {file}" for file in served if outcome.texts.get(file) != served[file]]
    found += [f"served: {file}" for file in outcome.texts if file not in served]
    files = [path for path in index_dir.rglob("*") if path.is_file()]
    found += [f"the secret is in {path.name}" for path in files if _SECRET_BYTES in path.read_bytes()]
    told, expected = _counted(outcome.skipped), Counter(map(_alike, refused.values()))
    found += [f"{told[each]}, not {expected[each]}: {each}" for each in told | expected if told[each] != expected[each]]
    named = [each for each in outcome.skipped if each.file != "./"]
    found += [f"told: {each}" for each in named if refused.get(each.file) != each.reason]
    found += [f"it does harm to show {each}" for each in named if not f"{each.file}{each.reason}".isprintable()]
    found += [f"{outcome.seconds:.1f} seconds"] * (outcome.seconds > MOST_SECONDS)
    found += [f"{outcome.mebibytes} MiB"] * (outcome.mebibytes > MOST_MIB)
    return found + ["stale at once"] * outcome.stale


def _counted(skipped: Sequence[Skipped]) -> Counter[str]:
    """How many files were told of for each reason, by name or as a number."""
    told: Counter[str] = Counter()
    for each in skipped:
        told[_alike(re.sub(r"^[\d,]+ files (not named here: )?", "", each.reason))] += each.files
    return told


def _alike(reason: str) -> str:
    return re.sub(r"^(extension \S+|other extensions) ", "extension ", reason)


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.__name__)
def test_of_a_hostile_folder_what_is_good_is_served_and_the_rest_is_told(
    tree: Tree, tmp_path: Path, figure: Figure
) -> None:
    with planted(tmp_path, tree) as (root, refused):
        if tree is locked_files_and_folders:
            tmp_path.chmod(0o755)
            outcome = in_process(without_privileges, tmp_path)
        else:
            outcome = in_process(through_the_index, root, tmp_path / "index")
    assert faults(outcome, GOOD | ALSO_SERVED.get(tree, {}), refused, tmp_path / "index") == []
    lines, cost = len(outcome.skipped), f"{outcome.seconds:.2f} s, {outcome.mebibytes} MiB"
    figure(f"{len(refused):,} files refused in {lines} lines, {len(outcome.texts)} served, {cost}")


def link_to_the_secret(root: Path) -> dict[str, str]:
    (root / "link.txt").symlink_to(root.parent / "outside" / "secret.txt")
    return {"link.txt": LINK}


def test_a_program_that_expects_no_harm_is_found_out(tmp_path: Path) -> None:
    with planted(tmp_path, link_to_the_secret) as (root, refused):
        outcome = in_process(naively, root, tmp_path / "index")
    assert faults(outcome, GOOD, refused, tmp_path / "index") == [
        "served: link.txt",
        "the secret is in texts",
        f"0, not 1: {LINK}",
    ]


def test_a_program_that_waits_for_a_pipe_is_found_out(tmp_path: Path) -> None:
    with planted(tmp_path, pipes) as (root, _), pytest.raises(TimeoutError, match="naively hangs"):
        in_process(naively, root, tmp_path / "index", seconds=2.0)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"texts": {}}, "not served as it is: !/a.txt"),
        ({"texts": {**GOOD, "~.txt": "Putin"}}, "not served as it is: ~.txt"),
        ({"skipped": ()}, f"0, not 1: {NOT_REGULAR}"),
        ({"skipped": (Skipped("b.txt", NOT_REGULAR),)}, f"told: {Skipped('b.txt', NOT_REGULAR)}"),
        ({"skipped": (Skipped("./", f"2 files not named here: {NOT_REGULAR}", 2),)}, f"2, not 1: {NOT_REGULAR}"),
        ({"seconds": 5.1}, "5.1 seconds"),
        ({"mebibytes": 1025}, "1025 MiB"),
        ({"stale": True}, "stale at once"),
    ],
    ids=str,
)
def test_whatever_goes_wrong_with_a_folder_is_seen(change: dict[str, Any], fault: str, tmp_path: Path) -> None:
    fine = Outcome(GOOD, (Skipped("a.txt", NOT_REGULAR),))
    assert faults(fine, GOOD, {"a.txt": NOT_REGULAR}, tmp_path) == []
    assert fault in faults(replace(fine, **change), GOOD, {"a.txt": NOT_REGULAR}, tmp_path)


def test_a_name_that_does_harm_is_seen(tmp_path: Path) -> None:
    skipped = Skipped("a\n.txt", NOT_REGULAR)
    assert faults(Outcome(GOOD, (skipped,)), GOOD, {skipped.file: NOT_REGULAR}, tmp_path) == [
        f"it does harm to show {skipped}"
    ]


def test_the_same_folder_gives_the_same_lines(tmp_path: Path) -> None:
    with planted(tmp_path, extensions_without_number) as (root, _):
        first = in_process(through_the_index, root, tmp_path / "index")
        again = in_process(through_the_index, root, tmp_path / "index")
    assert first.skipped == again.skipped
