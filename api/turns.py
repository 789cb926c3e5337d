"""Who writes next: SQLite lets one writer at a time in, and here they stand in line, first come, first served."""

import threading
from collections import deque


class Turns:
    """A line in front of one door. SQLite's own way is to sleep and look again, up to a tenth of a second each time:
    of many who wait so, the door is mostly free with nobody awake to see it, and who is unlucky waits longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Event] = deque()
        self._taken = False

    def take(self, patience: float) -> bool:
        """Wait for one's turn; False when it has not come within so many seconds."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            self._line.append(mine)
        if mine.wait(patience):
            return True
        with self._guard:
            if mine.is_set():  # it came at the very last moment
                return True
            self._line.remove(mine)
            return False

    def leave(self) -> None:
        """The next one, please."""
        with self._guard:
            if self._line:
                self._line.popleft().set()
            else:
                self._taken = False
