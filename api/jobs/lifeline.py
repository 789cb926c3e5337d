"""A process that must not outlive the one that started it holds its standard input, and leaves when that ends."""

import sys
import threading
from collections.abc import Callable


def hold(leave: Callable[[], None]) -> None:
    """Call `leave` when whoever started us closes the pipe, or is killed."""

    def wait() -> None:
        sys.stdin.buffer.read()
        leave()

    threading.Thread(target=wait, daemon=True, name="lifeline").start()
