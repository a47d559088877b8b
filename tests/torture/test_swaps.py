"""Folders that change between the moment they are listed and the moment they are read: what has taken the place of a
file is neither waited for nor served, and no quotation is taken to be proven by it.

All is done in a process of its own, which is ended if it hangs.
"""

import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from index.corpus import gather, load, read, scan
from index.errors import CorpusError
from index.files import MAX_FILE_BYTES, NotServedError, read_bytes
from qa.proof import require_unchanged
from qa.types import Citation
from qa.verification import judge
from tests.torture.processes import in_process, meanwhile
from tests.torture.trees import GOOD, LINK, NOT_REGULAR, SECRET, planted
from tests.torture.trials import trials

FILE = "folder/secret.txt"
ARTICLE = "Kim volvió en tren.\n"
NOT_A_FOLDER = "cannot be read: Not a directory"
Swap = Callable[[Path], None]
Figure = Callable[[str], None]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="what takes the place of files is what POSIX has")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("../../outside/secret.txt")


def link_to_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def socket_file(path: Path) -> None:
    path.unlink()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nothing(path: Path) -> None:
    path.unlink()


def endless(path: Path) -> None:
    os.truncate(path, 10 * 1024**3)


def folder_by_a_link(path: Path) -> None:
    path.parent.rename(path.parent.with_name(".away"))
    path.parent.symlink_to("../outside")


def folder_by_a_pipe(path: Path) -> None:
    path.parent.rename(path.parent.with_name(".away"))
    os.mkfifo(path.parent)


SWAPS: dict[Swap, str] = {
    pipe: NOT_REGULAR,
    link: LINK,
    link_to_a_device: LINK,
    socket_file: NOT_REGULAR,
    a_folder: NOT_REGULAR,
    nothing: "cannot be read: No such file or directory",
    endless: "larger than 20 MiB",
    folder_by_a_link: NOT_A_FOLDER,
    folder_by_a_pipe: NOT_A_FOLDER,
}


def one_more(root: Path) -> dict[str, str]:
    (root / FILE).parent.mkdir()
    (root / FILE).write_text(ARTICLE)
    return {}


def swapped(root: Path, swap: Swap) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Texts and reasons of a folder that changes between listing and reading, and what is said of a citation then."""
    found = scan(root)
    cited = Citation(1, FILE, read(root, FILE).sha256, "utf-8", 0, 3, 1, "Kim", 0, 3)
    swap(root / FILE)
    served = gather(found, {})
    said = [str(judge(asdict(cited), root))]
    try:
        require_unchanged(root, [cited])
    except CorpusError as error:
        said.append(error.found.split(" (")[0])
    texts = {each.file: each.text for each in served.documents}
    return texts, {each.file: each.reason for each in served.skipped}, said


@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_what_takes_the_place_of_a_file_is_not_served(swap: Swap, tmp_path: Path) -> None:
    with planted(tmp_path, one_more) as (root, _):
        texts, told, said = in_process(swapped, root, swap)
    assert texts == GOOD
    assert told == {FILE: SWAPS[swap]}
    assert said == ["file missing", f"{FILE} is gone"]


def naively_swapped(root: Path, swap: Swap) -> bool:
    """Whether the secret comes out where a name is looked at, then opened, and something happens between the two."""
    assert (root / FILE).resolve().is_relative_to(root.resolve())
    swap(root / FILE)
    return SECRET.encode() in (root / FILE).read_bytes()


@pytest.mark.parametrize("swap", [link, folder_by_a_link], ids=lambda swap: swap.__name__)
def test_a_guard_that_looks_at_names_is_found_out(swap: Swap, tmp_path: Path) -> None:
    with planted(tmp_path, one_more) as (root, _):
        assert in_process(naively_swapped, root, swap)


def test_a_guard_that_waits_for_a_pipe_is_found_out(tmp_path: Path) -> None:
    with planted(tmp_path, one_more) as (root, _), pytest.raises(TimeoutError, match="naively_swapped hangs"):
        in_process(naively_swapped, root, pipe, seconds=2.0)


def raced(root: Path, rounds: int) -> Counter[str]:
    """What became of a file that another process replaces all the time: text, or why there was none."""
    drawn = random.Random(0)
    seen: Counter[str] = Counter()
    with meanwhile(lambda: replace_by_anything(root, drawn)):
        for number in range(rounds):
            try:
                seen[read_bytes(root, FILE).decode()] += 1
            except OSError as error:
                seen[str(error.strerror or error)] += 1
            if number % 10 == 0:
                seen.update(each.text for each in load(root).documents if SECRET in each.text)
    return seen


def replace_by_anything(root: Path, drawn: random.Random) -> None:
    new, away, folder = root / ".new", root / ".away", (root / FILE).parent
    match drawn.choice(["file", "link", "pipe", "folder"]):
        case "file":
            new.write_text(ARTICLE)
        case "link":
            new.symlink_to("../../outside/secret.txt")
        case "pipe":
            os.mkfifo(new)
        case _:
            folder.rename(away)
            folder.symlink_to("../outside")
            folder.unlink()
            away.rename(folder)
            return
    new.replace(root / FILE)


def test_a_file_that_is_replaced_all_the_time_gives_no_secret(tmp_path: Path, figure: Figure) -> None:
    rounds = trials(10_000, 500_000)
    with planted(tmp_path, one_more) as (root, _):
        seen = in_process(raced, root, rounds)
    assert not [text for text in seen if SECRET in text]
    # Otherwise the two did not race.
    assert seen[ARTICLE] and len(seen) > 2, seen
    figure(f"{rounds:,} readings of a file while it is replaced: {dict(seen.most_common())}")


def growing(root: Path) -> list[int]:
    """The lengths that were read of a file to which another process adds all the time, until it is too long."""
    lengths: list[int] = []
    block, most = b"a" * 1024, 2 * MAX_FILE_BYTES
    with (root / FILE).open("ab", buffering=0) as file, meanwhile(lambda: file.tell() < most and file.write(block)):
        while True:
            try:
                lengths.append(len(read_bytes(root, FILE)))
            except NotServedError:
                return lengths


def test_a_file_that_grows_while_it_is_read_is_read_to_where_it_ended(tmp_path: Path, figure: Figure) -> None:
    with planted(tmp_path, one_more) as (root, _):
        lengths = in_process(growing, root)
    assert lengths == sorted(lengths)
    assert max(lengths, default=0) <= MAX_FILE_BYTES
    figure(f"{len(lengths)} readings of a growing file, then refused as too large")
