"""Builds on a small disk of its own that is nearly full; run as a program, in a mount namespace of its own.

    python -m tests.torture.full_disk FOLDER {blocks|names} STEP

Makes articles and an index below the folder, mounts a disk there, leaves room for more and more blocks or names until
a build succeeds, and prints a line of JSON for each build: the room, its exit status, what is served, what it left.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.torture import builds

_OPTIONS = "size=16m,nr_inodes=300"
_MOST = {"blocks": 4000, "names": 100}


def main(place: Path, kind: str, step: int) -> None:
    """Prints what comes of each build."""
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", _OPTIONS, "tmpfs", str(disk)], check=True)
    for template in (builds.first_build(place / "first"), builds.another_build(place / "another")):
        for room in range(0, _MOST[kind], step):
            own = template.copied_to(disk / "trial")
            before = _generations(own.index_dir)
            with _filled(disk, kind, room):
                status = builds.build_in_process(own.articles, own.index_dir)
                served, half = builds.served(own), sorted(_generations(own.index_dir) - before)
            print(json.dumps({"room": room, "status": status, "served": served, "made": half}), flush=True)
            builds.settled(own)
            shutil.rmtree(disk / "trial")
            if status == builds.DONE:
                break


@contextmanager
def _filled(disk: Path, kind: str, room: int) -> Iterator[None]:
    """Fills the disk up, but for some KiB or some names."""
    found, ballast = os.statvfs(disk), disk / "ballast"
    ballast.mkdir()
    if kind == "blocks":
        (ballast / "bytes").write_bytes(bytes(max(0, found.f_bavail * found.f_frsize - room * 1024)))
    else:
        for number in range(found.f_favail - 1 - room):
            (ballast / str(number)).touch()
    yield
    shutil.rmtree(ballast)


def _generations(index_dir: Path) -> set[str]:
    return builds.names(index_dir)[1] if (index_dir / "generations").is_dir() else set()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
