"""What a power cut could undo, read from the calls of a build: pure.

A file or the names in a folder are safe once they are synced after their last change. When the pointer is renamed,
everything made so far must be safe, or the new pointer could outlive what it points at; before anything is removed and
when the build is over, the pointer itself must be.
"""

from collections.abc import Sequence
from pathlib import Path

from tests.torture.faults import Call

_UNSAFE_ALLOWED = {"lock"}
"""Empty, and made again whenever it is missing."""


def at_risk(calls: Sequence[Call], pointer: Path) -> list[str]:
    """Every place that a power cut during or after these calls could leave wrong; empty for a careful build."""
    unsafe: set[Path] = set()
    found = []
    for call in calls:
        if call.result < 0:
            continue
        if _kind(call) == "rename" and call.target == pointer:
            found += [f"the pointer before {place.name}" for place in sorted(unsafe)]
        if _kind(call) == "remove" and pointer.parent in unsafe:
            found.append(f"{call.path.name} before the pointer is safe")
        _follow(call, unsafe)
    return found + [f"{place.name} at the end" for place in sorted(unsafe)]


def _follow(call: Call, unsafe: set[Path]) -> None:
    match _kind(call):
        case "sync":
            unsafe.discard(call.path)
        case "write":
            unsafe.add(call.path)
        case "folder":
            unsafe.add(call.path.parent)
        case "file" if call.path.name not in _UNSAFE_ALLOWED:
            unsafe |= {call.path, call.path.parent}
        case "rename" if call.target is not None:
            unsafe |= {call.target.parent, call.target} if call.path in unsafe else {call.target.parent}
            unsafe.discard(call.path)


def _kind(call: Call) -> str:
    if call.name.startswith("open"):
        return "file" if "O_CREAT" in call.flags else ""
    for kind, beginnings in _KINDS.items():
        if call.name.startswith(beginnings):
            return kind
    return ""


_KINDS = {
    "sync": ("fsync", "fdatasync"),
    "write": ("write", "pwrite", "truncate", "ftruncate", "fallocate"),
    "folder": ("mkdir", "link", "symlink"),
    "rename": ("rename",),
    "remove": ("unlink", "rmdir"),
}
