"""Builds for which there is no room: on a disk that is full, and where files may not grow.

Here the system itself refuses, after it has written a part; nothing is injected.
"""

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import ROOT, qa, with_package
from tests.torture import builds
from tests.torture.builds import DONE, REFUSED, Trial
from tests.torture.faults import Child
from tests.torture.trials import trials

NAMESPACES = ("unshare", "-m"), ("unshare", "-rm")  # the second where only a user namespace of one's own is allowed


def build_of_small_files(articles: Path, index_dir: Path, most_bytes: int) -> int:
    """A build that can make no file longer than this: the write that would is cut short, the next one fails."""
    import resource

    sys.dont_write_bytecode = True  # Python does not notice that a file of its own was cut short
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return builds.build_in_process(articles, index_dir)


@pytest.mark.parametrize("state", [builds.first_build, builds.another_build], ids=["first", "another"])
def test_a_write_cut_short_anywhere_is_told(
    state: Callable[[Path], Trial], tmp_path: Path, figure: Callable[[str], None]
) -> None:
    trial = state(tmp_path)
    whole = trial.copied_to(tmp_path / "whole")
    made = builds.build(whole.articles, whole.index_dir).generation
    lengths = {path.stat().st_size for path in (whole.index_dir / "generations" / made).rglob("*") if path.is_file()}
    limits = sorted({0, *lengths, *(length - 1 for length in lengths), *range(1, max(lengths), 100)})
    chosen = [max(lengths) - 1, max(lengths), *random.Random(0).sample(limits, trials(4, len(limits)))]
    for number, limit in enumerate(chosen):
        own = trial.copied_to(tmp_path / str(number))
        child = Child(build_of_small_files, own.articles, own.index_dir, limit)
        child.release()
        assert (child.status(), builds.served(own)) == ((DONE, "new") if limit >= max(lengths) else (REFUSED, "old"))
        builds.settled(own)
    figure(f"files cut at {len(chosen)} lengths: 0 unheard")


@pytest.mark.parametrize("kind", ["blocks", "names"])
def test_a_full_disk_is_told_and_the_old_index_serves(kind: str, tmp_path: Path, figure: Callable[[str], None]) -> None:
    program = (sys.executable, "-m", "tests.torture.full_disk", str(tmp_path), kind)
    step = {"blocks": trials(40, 4), "names": trials(7, 1)}[kind]
    done = subprocess.run(
        [*with_mounts(), *program, str(step)],
        cwd=ROOT,
        env=with_package({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    for end in ends:
        refused = {"status": REFUSED, "served": "old", "made": []}
        assert end["status"] == DONE or refused.items() <= end.items(), end
    # Both an index that was there before and none.
    assert [end["served"] for end in ends if end["status"] == DONE] == ["new", "new"]
    assert len(ends) > 4
    figure(f"{len(ends) - 2} builds refused for want of {kind}")


def with_mounts() -> tuple[str, ...]:
    """The program that lets another mount a disk nobody else sees; skips the test where it may not."""
    for command in NAMESPACES:
        tried = [*command, "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
        if shutil.which(command[0]) and subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("unshare is missing, or mounting is not permitted here")


def test_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    articles = tmp_path / "articles"
    builds.write_articles(articles, 1)
    place = ("--corpus", str(articles), "--index-dir", str(tmp_path / "index"))
    limited = "sh", "-c", 'ulimit -f 1; exec "$@"', "sh"
    refused = qa("index", *place, environment={"PYTHONDONTWRITEBYTECODE": "1"}, under=limited)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(r".*cannot be written \(File too large\); expected [^\n]*\n", refused.stderr)
