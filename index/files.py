"""A file of a folder -> its bytes, whatever may have taken the place of the file since it was listed.

A folder and a name in it go in. Nothing here knows what the bytes mean.
"""

import os
import re
import stat
from pathlib import Path

MAX_FILE_BYTES = 20 * 1024**2
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no name that is served has: control characters, and bytes that are not UTF-8."""

# A pipe in the place of a file must not be waited for, nor a terminal there become that of this process.
FILE_FLAGS = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
FOLDER_FLAGS = FILE_FLAGS | getattr(os, "O_DIRECTORY", 0)
# The folder of articles itself may be named by a link.
ROOT_FLAGS = getattr(os, "O_DIRECTORY", 0)


class NotServedError(OSError):
    """What bears a name is not a file of the folder that may be opened; the message says why in a few words."""


def read_bytes(root: Path, file: str) -> bytes:
    """What a file of the folder holds, `/` between folders; what is added while it is read is left for the next time.

    Never follows a link below the root, waits for a pipe or reads more than `MAX_FILE_BYTES`, whatever was put in the
    place of the file since it was listed. Raises `NotServedError` for what is no file of the folder, `OSError` for one
    that cannot be read.
    """
    descriptor = _opened(root, file)
    try:
        found = os.fstat(descriptor)
        require_servable(found)
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(found.st_size)
    finally:
        os.close(descriptor)


def require_servable(found: os.stat_result) -> None:
    """Raises `NotServedError` for what is not a regular file of a size that may be read."""
    if stat.S_ISLNK(found.st_mode):
        raise NotServedError("a link, not followed")
    if not stat.S_ISREG(found.st_mode):
        raise NotServedError("not a regular file")
    if found.st_size > MAX_FILE_BYTES:
        raise NotServedError(f"larger than {MAX_FILE_BYTES // 1024**2} MiB")


def _opened(root: Path, file: str) -> int:
    """A descriptor of a file below the root. Each folder is opened from the one above it, none through a link."""
    *folders, name = file.split("/")
    if UNPRINTABLE.search(file) or not {"", ".", ".."}.isdisjoint((*folders, name)):
        raise NotServedError("not a name of a file in the folder")
    if os.open not in os.supports_dir_fd:
        return _opened_resolved(root, file)
    place = os.open(root, ROOT_FLAGS)
    try:
        for folder in folders:
            above, place = place, os.open(folder, FOLDER_FLAGS, dir_fd=place)
            os.close(above)
        # To open a device may be an act in itself.
        require_servable(os.stat(name, dir_fd=place, follow_symlinks=False))
        return os.open(name, FILE_FLAGS, dir_fd=place)
    finally:
        os.close(place)


def _opened_resolved(root: Path, file: str) -> int:
    """The same on Windows, which opens nothing from a folder."""
    require_servable((root / file).lstat())
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise NotServedError("outside of the folder")
    return os.open(path, FILE_FLAGS)
