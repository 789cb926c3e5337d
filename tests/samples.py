"""How large a sample a test draws: small in `make test`, large in `make prove WHAT=…`."""

import os
import sys
from collections import defaultdict

import pytest

# (module of the test, what) -> the sizes it asked for; the row in RESULTS.md shows them.
drawn: defaultdict[tuple[str, str], set[int]] = defaultdict(set)


def sample(what: str, test: int, prove: int) -> int:
    """`prove` when `make prove` names this WHAT (or all), else `test`."""
    size = prove if proving() in (what, "all") else test
    drawn[sys._getframe(1).f_globals["__name__"], what].add(size)
    return size


def only(kind: str) -> pytest.MarkDecorator:
    """In `make test` on this kind of database alone, for what takes long and hardly differs; on both when proving."""
    return pytest.mark.parametrize("database_url", ["sqlite", "postgres"] if proving() else [kind], indirect=True)


def proving() -> str:
    """What `make prove` was asked to prove; empty in an ordinary run."""
    return os.environ.get("DIANDAN_PROVE", "")
