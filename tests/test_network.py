"""No command opens a network connection: they work where there is no network, and ask the system for none."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import GIFT, qa
from tests.torture.every_command import EXPECTED, every_command, tracer

LIMITS = ("unshare", "-n"), ("unshare", "-r", "-n")  # the second where only a user namespace of one's own is allowed
CONNECTIONS = re.compile(r"(?:connect|sendto|sendm?msg)\(.*sa_family=(AF_INET6?)")


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


def test_no_command_asks_the_system_for_a_connection() -> None:
    watched = every_command()
    if watched.calls is None:
        pytest.skip("strace is missing or not permitted here")
    assert watched.statuses == EXPECTED
    assert "execve(" in watched.calls  # so there is a log
    assert CONNECTIONS.findall(watched.calls) == []


def test_the_runtime_of_the_embedder_holds_nothing_that_reports_to_its_makers() -> None:
    """Later releases do, unless an environment variable forbids it; where there is no strace this is what tells."""
    folder = importlib.util.find_spec("onnxruntime")
    assert folder is not None and folder.origin is not None
    libraries = [path for path in (Path(folder.origin).parent / "capi").iterdir() if path.suffix in (".so", ".pyd")]
    assert any(b"InferenceSession" in path.read_bytes() for path in libraries)
    assert not [path.name for path in libraries if b"OneCollector" in path.read_bytes()]


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket().connect_ex(('127.0.0.1', 1))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 1))",
    ],
)
def test_a_connection_would_be_seen(code: str, tmp_path: Path) -> None:
    trace = tracer(tmp_path / "calls")
    if not trace:
        pytest.skip("strace is missing or not permitted here")
    subprocess.run([*trace, sys.executable, "-c", f"import socket; {code}"], check=False)
    assert CONNECTIONS.findall((tmp_path / "calls").read_text()) == ["AF_INET"]


def test_a_connection_of_the_newer_kind_would_be_seen_and_one_within_the_machine_is_none() -> None:
    newer = "1234  connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0)}, 28) = 0"
    assert CONNECTIONS.findall(newer) == ["AF_INET6"]
    assert CONNECTIONS.findall('1234  connect(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0') == []
