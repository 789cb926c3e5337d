"""How much memory a process holds together with all it started, as the kernel tells it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_mb(process: int) -> int:
    """Resident memory of the process and its descendants, in MB; 0 when it is gone. Shared pages count for each."""
    return sum(_resident(one) for one in family(process)) // 1_000_000


def family(process: int) -> list[int]:
    """The process and all that come from it."""
    children = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (told := _read(entry / "stat")):
            parent = int(told.rpartition(")")[2].split()[1])
            children[parent].append(int(entry.name))
    found = [process]
    for one in found:
        found.extend(children[one])
    return found


def _resident(process: int) -> int:
    told = _read(PROC / str(process) / "statm").split()
    return int(told[1]) * PAGE if told else 0


def _read(path: Path) -> str:
    """What the file says; nothing when the process has ended meanwhile."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
