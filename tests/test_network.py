"""No command opens a network connection: they work where there is no network, and ask the system for none."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import GIFT, qa

LIMITS = ("unshare", "-n"), ("unshare", "-r", "-n")  # the second where only a user namespace of one's own is allowed
CONNECTIONS = re.compile(r"connect\(\d+, \{sa_family=(AF_INET6?)")


def without_network() -> tuple[str, ...]:
    """The program that runs another without a network; skips the test where there is none."""
    for command in LIMITS:
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("unshare is missing or not permitted here")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one answer, as `qa ask --json` gives it without a network, the index made there as well."""
    done = qa("ask", "--json", GIFT, under=without_network())
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path_factory.mktemp("answers") / "a.jsonl"
    path.write_text(done.stdout)
    return path


def test_the_limit_holds() -> None:
    listed = subprocess.run([*without_network(), "cat", "/proc/net/dev"], capture_output=True, text=True, check=True)
    assert [line.split(":")[0].strip() for line in listed.stdout.splitlines()[2:]] == ["lo"]


def test_ask_and_verify_need_no_network(answers: Path) -> None:
    assert '"abstained": false' in answers.read_text()
    done = qa("verify", str(answers), under=without_network())
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 of 1 quotations hold\n", "")


def test_search_needs_no_network() -> None:
    done = qa("search", "limusina rusa de lujo", under=without_network())
    assert (done.returncode, done.stderr) == (0, "")
    assert "una limusina rusa de lujo" in done.stdout


def test_index_needs_no_network(tmp_path: Path) -> None:
    done = qa("index", "--index-dir", str(tmp_path / "index"), under=without_network())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("5 added, 0 changed, 0 removed, 0 unchanged, 0 skipped\n")


def test_models_needs_no_network() -> None:
    done = qa("models", under=without_network())
    assert (done.returncode, done.stderr) == (0, "")


def test_ask_asks_the_system_for_no_connection(tmp_path: Path) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    log = tmp_path / "calls"
    trace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,execve", "-o", str(log))
    if subprocess.run([*trace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace is not permitted here")
    done = qa("ask", GIFT, under=trace)
    assert done.returncode == 0
    assert "una limusina rusa de lujo" in done.stdout
    calls = log.read_text()
    assert "execve(" in calls  # so the log is one
    assert CONNECTIONS.findall(calls) == []


def test_a_connection_would_be_seen() -> None:
    call = (
        '1234  connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("1.1.1.1")}, 16) = -1 ENETUNREACH'
    )
    assert CONNECTIONS.findall(call) == ["AF_INET"]
    assert CONNECTIONS.findall('1234  connect(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0') == []
