"""The tables of RESULTS.md: every figure with its date, commit and machine, a row under the heading of its kind."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
PICTURE = RESULTS.parent.parent / "docs" / "benchmark.svg"
"""What `--plot` draws."""

WHERE = ("date", "commit", "machine")


def note(heading: str, columns: Sequence[str], cells: Sequence[object]) -> None:
    """Add a row to the table below `## heading` of RESULTS.md, made if it is not there yet."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    line = row([datetime.date.today().isoformat(), commit(), machine(), *cells])
    RESULTS.write_text(append(text, heading, (*WHERE, *columns), line), encoding="utf-8")


def row(cells: Sequence[object]) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def append(text: str, heading: str, columns: Sequence[str], line: str) -> str:
    """The text with one more row at the end of the table below `## heading`, wherever that stands."""
    lines = text.splitlines()
    title = f"## {heading}"
    if title not in lines:
        lines += [""] * bool(lines) + [title, "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    start = lines.index(title)
    later = (at for at in range(start + 1, len(lines)) if lines[at].startswith("#"))
    table = [at for at in range(start, next(later, len(lines))) if lines[at].startswith("|")]
    lines.insert(table[-1] + 1, line)
    return "\n".join(lines) + "\n"


def commit() -> str:
    """The commit that was tried, with a + when the tree had changes beside it."""
    head = _git("rev-parse", "--short", "HEAD") or "none"
    return head + "+" * bool(_git("status", "--porcelain", *_tried()))


def version() -> str:
    """The commit, and where the tree had changes a mark of these: two trees that differ are two versions."""
    changes = _git("diff", "HEAD", *_tried()) + _git("status", "--porcelain", *_tried())
    return commit() + (sha256(changes.encode()).hexdigest()[:8] if changes else "")


def _tried() -> tuple[str, ...]:
    """All but what measuring itself writes."""
    house = RESULTS.parent.parent
    return ("--", ".", *(f":!{path.relative_to(house)}" for path in (RESULTS, PICTURE)))


def machine() -> str:
    """Cores and processor."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    return f"{os.cpu_count()} × {models[0] if models else platform.machine()}"


def _git(*words: str) -> str:
    try:
        told = subprocess.run(["git", *words], cwd=RESULTS.parent.parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return told.stdout.strip()
