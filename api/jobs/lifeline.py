"""A process that must not outlive the one that started it holds its standard input, and leaves when that ends."""

import os
import threading
from collections.abc import Callable


def hold(leave: Callable[[], None]) -> None:
    """Call `leave` when whoever started us closes the pipe, or is killed."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock, held here, would abort an orderly exit
            pass
        leave()

    threading.Thread(target=wait, daemon=True, name="lifeline").start()
