"""A child process under watch: its time, its resident memory, and what it tells on the way."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import ApiError

LOOK_SECONDS = 0.1


class Died(ApiError):
    """The child ended by itself, or was killed by somebody: trying again may help."""

    code = "solve_died"


class TooMuchMemory(ApiError):
    """The child held more memory than it may; again it would be no better."""

    code = "solve_memory"


class TooLong(ApiError):
    """The child ran longer than it may; again it would be no better."""

    code = "solve_time"


class Stopped(Exception):
    """The worker is leaving; the job stays as it is and is taken up again."""


class Unwanted(Exception):
    """Nobody waits for what the child would find: it was cancelled, or somebody else has taken it over."""


@dataclass(frozen=True)
class Limits:
    """How long a child may run, and how much memory it may hold."""

    seconds: float
    memory_bytes: int


def run(
    command: Sequence[str],
    limits: Limits,
    stop: threading.Event,
    told: Callable[[dict[str, Any]], None],
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Run the command to its end, or end it.

    About once a second the newest line it tells is passed on, and it is asked whether this is still wanted.
    """
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        try:
            _watch(child, limits, stop, told, wanted)
        finally:
            _end(child)
        if child.returncode != 0:
            raise Died("", _last_words(child.returncode, errors))


def _watch(
    child: subprocess.Popen[bytes],
    limits: Limits,
    stop: threading.Event,
    told: Callable[[dict[str, Any]], None],
    wanted: Callable[[], bool],
) -> None:
    newest = _Newest(child)
    until = time.monotonic() + limits.seconds
    next_word = next_look = 0.0
    while child.poll() is None:
        if stop.wait(LOOK_SECONDS):
            raise Stopped
        if time.monotonic() > until:
            raise TooLong(limit=round(limits.seconds))
        if resident_bytes(child.pid) > limits.memory_bytes:
            raise TooMuchMemory(limit=f"{limits.memory_bytes / 2**30:.1f} GB")
        if newest.line and time.monotonic() > next_word:
            told(json.loads(newest.line))
            newest.line = b""
            next_word = time.monotonic() + 1
        if time.monotonic() > next_look:
            if not wanted():
                raise Unwanted
            next_look = time.monotonic() + 1


class _Newest:
    """The last whole line a child has written; older ones are forgotten."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.line = b""
        threading.Thread(target=self._read, args=(child,), daemon=True).start()

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        for line in child.stdout or ():
            self.line = line


def _end(child: subprocess.Popen[bytes]) -> None:
    """The child and whatever it started are gone."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        pipe.close()  # type: ignore[union-attr]


def _last_words(code: int, errors: Any) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    how = f"signal {-code}" if code < 0 else f"exit {code}"
    return f"{how}: {lines[-1]}" if lines else how


def resident_bytes(pid: int) -> int:
    """How much memory a process holds; 0 when it is gone."""
    status = Path(f"/proc/{pid}/status")
    try:
        if Path("/proc/self/status").exists():
            line = next((line for line in status.read_text().splitlines() if line.startswith("VmRSS:")), "0 0")
            return int(line.split()[1]) * 1024
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return int(shown.stdout or 0) * 1024
    except OSError:
        return 0


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs one of our modules in a process of its own."""
    return [sys.executable, "-m", module, *map(str, arguments)]
