"""How plans are found. Callers come in by `matcher.solve`; nothing here is needed to read or judge a plan."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_HERE = Path(__file__).parent


def forget_stale_kernels(folder: Path = _HERE) -> None:
    """Remove compiled kernels where the source of any has changed: one inlines what another file defines.

    Numba looks at the file of a kernel alone. They lie beside the sources, or where NUMBA_CACHE_DIR says; where that
    cannot be written, nothing was compiled into it.
    """
    made = sha256()
    for source in sorted(folder.glob("*.py")):
        text = source.read_bytes()
        if b"njit" in text and source.name != "__init__.py":
            made.update(source.name.encode() + b"\0" + text)
    place = Path(os.environ.get("NUMBA_CACHE_DIR") or folder / "__pycache__")
    stamp = place / "kernels.stamp"
    if stamp.exists() and stamp.read_text() == made.hexdigest():
        return
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        for compiled in place.rglob("*.nb[ic]"):
            compiled.unlink(missing_ok=True)
        stamp.write_text(made.hexdigest())


forget_stale_kernels()
