"""How plans are found. Callers come in by `matcher.solve`; nothing here is needed to read or judge a plan."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_HERE = Path(__file__).parent


def forget_stale_kernels(folder: Path = _HERE) -> None:
    """Remove compiled kernels where the source of any has changed: one inlines what another file defines.

    Numba looks at the file of a kernel alone. Where the folder cannot be written, nothing was compiled into it.
    """
    made = sha256()
    for source in sorted(folder.glob("*.py")):
        text = source.read_bytes()
        if b"njit" in text and source.name != "__init__.py":
            made.update(source.name.encode() + b"\0" + text)
    stamp = folder / "__pycache__" / "kernels.stamp"
    if stamp.exists() and stamp.read_text() == made.hexdigest():
        return
    with suppress(OSError):
        stamp.parent.mkdir(exist_ok=True)
        for compiled in [*stamp.parent.glob("*.nbi"), *stamp.parent.glob("*.nbc")]:
            compiled.unlink(missing_ok=True)
        stamp.write_text(made.hexdigest())


forget_stale_kernels()
