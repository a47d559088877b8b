"""Folders made to do harm, and what is to be told of them.

Each function fills a folder in which good articles lie already and beside which another one, `outside`, holds a secret.
It returns why each of its files must not be served, by the name that is shown. Nothing here knows of indexes.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.torture.trials import trials

# Near both ends of the folder, so that what hinders the listing of one does not that of the other.
GOOD = {"!/a.txt": "Kim llegó en tren a Vladivostok.\n", "~.txt": "Putin lo recibió en el puerto.\n"}
SECRET = "zafarrancho"
LINK, NOT_REGULAR, LARGE, EMPTY = "a link, not followed", "not a regular file", "larger than 20 MiB", "empty"
BAD_NAME = "name with bytes that are not UTF-8 or with control characters"
BINARY, LONG_NAME = "binary data", "cannot be read: File name too long"
BEYOND = "one of the largest, beyond 512 MiB in all"
BEYOND_THE_FIRST = "beyond the first 100,000 in order of names"
MIB = 1024**2
MOST_FILES, MOST_NAMES = 100_000, 50_000
DEPTH = 3000
STRANGE = ("   ", "-rf.txt", "$(id).txt", "a;b|c.txt", "a\\nb.txt", "…", f"x{'ñ' * 125}.txt", "\u200fשלום.txt")

Tree = Callable[[Path], dict[str, str]]


@contextmanager
def planted(place: Path, tree: Tree) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder with its good articles and what the tree adds, and what is expected of that; removed afterwards."""
    root, outside = place / "articles", place / "outside"
    for file, text in {**{f"articles/{name}": text for name, text in GOOD.items()}, **_secrets()}.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(text, "utf-8")
    try:
        yield root, tree(root)
    finally:
        _remove(root)
        _remove(outside)


def _secrets() -> dict[str, str]:
    return {f"outside/{name}": f"Un {SECRET} en el cuartel.\n" for name in ("secret.txt", "inner/secret.txt")}


def links_to_files_outside(root: Path) -> dict[str, str]:
    secret = root.parent / "outside" / "secret.txt"
    targets = [str(secret), "../outside/secret.txt", "/etc/passwd", "/dev/zero", "/dev/stdin", "nowhere", "~.txt"]
    for number, target in enumerate(targets):
        (root / f"{number}.txt").symlink_to(target)
    return {f"{number}.txt": LINK for number in range(len(targets))}


def links_to_folders_outside(root: Path) -> dict[str, str]:
    (root / "folder").symlink_to(root.parent / "outside")
    (root / "folder.txt").symlink_to("../outside/inner")
    (root / "system").symlink_to("/")
    return dict.fromkeys(("folder", "folder.txt", "system"), LINK)


def loops_of_links(root: Path) -> dict[str, str]:
    for name, target in {"a": "b", "b": "a", "self.txt": "self.txt", "!/up": "..", "here": "."}.items():
        (root / name).symlink_to(target)
    return dict.fromkeys(("a", "b", "self.txt", "!/up", "here"), LINK)


def pipes(root: Path) -> dict[str, str]:
    for name in ("a.txt", "b", "!/c.md"):
        os.mkfifo(root / name)
    return dict.fromkeys(("a.txt", "b", "!/c.md"), NOT_REGULAR)


def devices(root: Path) -> dict[str, str]:
    numbers = {"zero.txt": (1, 5), "random": (1, 9), "terminal.txt": (5, 0)}
    try:
        for name, (major, minor) in numbers.items():
            os.mknod(root / name, 0o20666, os.makedev(major, minor))
        os.mknod(root / "disk.md", 0o60666, os.makedev(7, 99))
    except (OSError, AttributeError):
        pytest.skip("no device files may be made here")
    return dict.fromkeys((*numbers, "disk.md"), NOT_REGULAR)


def sockets(root: Path) -> dict[str, str]:
    here = Path.cwd()
    # The path of a socket must be short, which that of a test folder is not.
    os.chdir(root)
    try:
        for name in ("a.txt", "b"):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name)
    finally:
        os.chdir(here)
    return {"a.txt": NOT_REGULAR, "b": NOT_REGULAR}


def locked_files_and_folders(root: Path) -> dict[str, str]:
    (root / "locked").mkdir()
    for name in ("a.txt", "locked/b.txt"):
        (root / name).write_text("Cerrado.")
    (root / "a.txt").chmod(0)
    (root / "locked").chmod(0)
    return {"a.txt": "no permission to read", "locked/": "cannot be read: Permission denied"}


def names_that_do_harm(root: Path) -> dict[str, str]:
    raw = {
        b"new\nline.txt",
        b"\x1b[2J.txt",
        b"\x9b.txt",
        b"caf\xe9.txt",
        b"\x07bell",
        b"tab\t.txt",
        b"\xed\xa0\x80.txt",
    }
    try:
        for name in raw:
            (root / os.fsdecode(name)).write_text("Hola.")
    except OSError:
        pytest.skip("this file system takes no such names")
    (root / "folder\n").mkdir()
    (root / "folder\n" / "a.txt").write_text("Hola.")
    shown = ["new\\nline.txt", "\\x1b[2J.txt", "\\udc9b.txt", "caf\\udce9.txt", "\\x07bell", "tab\\t.txt"]
    return dict.fromkeys([*shown, "\\udced\\udca0\\udc80.txt", "folder\\n/a.txt"], BAD_NAME)


def names_that_are_only_strange(root: Path) -> dict[str, str]:
    """All of them are served, but for what is hidden, and for an extension that a terminal would turn around."""
    for name in STRANGE:
        (root / name).write_text("Un nombre raro.")
    for name in ("...", "..a.txt", "x.\u202etxt"):
        (root / name).write_text("Oculto.")
    return {"x.\\u202etxt": "extension .\\u202etxt (read are .txt, .text, .md and none)"}


def endless_files(root: Path) -> dict[str, str]:
    """A hole of 10 GB, and more of what may just be opened than is read in all."""
    sizes = {f"{number:02}.txt": 20 * MIB for number in range(30)} | {
        "large.txt": 20 * MIB + 1,
        "huge.txt": 10 * 1024 * MIB,
    }
    for name, size in sizes.items():
        with (root / name).open("wb") as file:
            file.truncate(size)
    left_out, tried = [f"{number:02}.txt" for number in range(5)], [f"{number:02}.txt" for number in range(5, 30)]
    return {"large.txt": LARGE, "huge.txt": LARGE} | dict.fromkeys(left_out, BEYOND) | dict.fromkeys(tried, BINARY)


def empty_files(root: Path) -> dict[str, str]:
    return _many(root, trials(20_000, 1_000_000), b"", EMPTY)


def files_that_are_no_text(root: Path) -> dict[str, str]:
    """More of them than are opened in all, where the good ones come first."""
    refused = _many(root, trials(2_000, 120_000), b"\0", BINARY)
    return refused | dict.fromkeys(list(refused)[MOST_FILES - len(GOOD) :], BEYOND_THE_FIRST)


def _many(root: Path, number: int, content: bytes, reason: str) -> dict[str, str]:
    """Files of the same content, in order of their names. Further names for one are made sooner than further files."""
    names = [f"~~{each:07}.txt" for each in range(number)]
    folder = os.open(root, os.O_RDONLY)
    for first in range(0, number, MOST_NAMES):
        (root / names[first]).write_bytes(content)
        for name in names[first + 1 : first + MOST_NAMES]:
            os.link(names[first], name, src_dir_fd=folder, dst_dir_fd=folder)
    os.close(folder)
    return dict.fromkeys(names, reason)


def extensions_without_number(root: Path) -> dict[str, str]:
    names = [f"a.x{number:04}" for number in range(2000)]
    for name in names:
        (root / name).touch()
    return {name: f"extension {name[1:]} (read are .txt, .text, .md and none)" for name in names}


def nested_folders(root: Path) -> dict[str, str]:
    place = os.open(root, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=place)
        above, place = place, os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(above)
    os.close(os.open("a.txt", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    return {"d/" * 75 + "…" + "/" + "d/" * 74: LONG_NAME}


def caches(root: Path) -> dict[str, str]:
    """Passed over without a word; in the folder itself the tag is a name like others."""
    for name in ("CACHEDIR.TAG", "cache/CACHEDIR.TAG", "cache/a.txt", "cache/deeper/a.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("Signature")
    return {"CACHEDIR.TAG": "extension .TAG (read are .txt, .text, .md and none)"}


def further_names_of_a_file_outside(root: Path) -> dict[str, str]:
    """A regular file of the folder like any other: whoever could make it could have copied it."""
    os.link(root / "~.txt", root.parent / "outside" / "open.txt")
    os.link(root.parent / "outside" / "open.txt", root / "same.txt")
    return {}


TREES: tuple[Tree, ...] = (
    links_to_files_outside,
    links_to_folders_outside,
    loops_of_links,
    pipes,
    devices,
    sockets,
    locked_files_and_folders,
    names_that_do_harm,
    names_that_are_only_strange,
    endless_files,
    empty_files,
    files_that_are_no_text,
    extensions_without_number,
    nested_folders,
    caches,
    further_names_of_a_file_outside,
)
ALSO_SERVED: dict[Tree, dict[str, str]] = {
    names_that_are_only_strange: dict.fromkeys(STRANGE, "Un nombre raro."),
    further_names_of_a_file_outside: {"same.txt": GOOD["~.txt"]},
}


def _remove(root: Path) -> None:
    """Removes a folder however deep it is, which `shutil` alone cannot."""
    for path in root.glob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    while (root / "d" / "d").exists():
        (root / "d" / "d").rename(root / "e")
        (root / "d").rmdir()
        (root / "e").rename(root / "d")
    shutil.rmtree(root)
