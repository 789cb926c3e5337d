"""Finished runs are kept under `var/bench/`, so that a command that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.solving import HOUSE, Run

FOLDER = HOUSE / "var" / "bench"


class Runs:
    """One line of JSON for each run, under what it was a run of, its seed and the version that was tried."""

    def __init__(self, file: Path = FOLDER / "runs.jsonl") -> None:
        self._file = file

    def find(self, key: str, seed: int, version: str) -> Run | None:
        """The newest run of this, if there is one."""
        found = [line for line in self._lines() if line.get("of") == [key, seed, version]]
        return Run(**found[-1]["run"]) if found else None

    def add(self, key: str, seed: int, version: str, run: Run) -> None:
        """Keep it."""
        self._write({"of": [key, seed, version], "run": asdict(run)})

    def proven(self, instance: str, version: str) -> int | None:
        """The best bound that any run of this version proved of the instance."""
        lines = [line for line in self._lines() if "run" in line and line["of"][2] == version]
        bounds = [line["run"]["bound"] for line in lines if line["run"]["instance"] == instance]
        return max((bound for bound in bounds if bound is not None), default=None)

    def noted(self, row: str, seeds: Sequence[int], key: str, version: str) -> bool:
        """Whether this row of these seeds stands in the table already."""
        return any(line.get("noted") == [row, list(seeds), key, version] for line in self._lines())

    def note(self, row: str, seeds: Sequence[int], key: str, version: str) -> None:
        """Remember that it does."""
        self._write({"noted": [row, list(seeds), key, version]})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(line, ensure_ascii=False))

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Whole lines; one that was cut off by a kill is no run."""
        text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
