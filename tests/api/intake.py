"""The web part alone, in a process of its own that a test may kill: `python -m tests.api.intake URL`.

With `DIANDAN_SABOTAGE=ack_before_commit` it answers first and commits a moment later.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import Depends
from sqlmodel import Session

from api import sessions
from api.app import create_app
from api.db import Database
from api.serving import answering, listening
from api.settings import Settings

LATE_SECONDS = 0.3


def hasty(database: Annotated[Database, Depends(sessions.database)]) -> Iterator[Session]:
    """A transaction that ends after its answer has left."""
    stack = ExitStack()
    yield stack.enter_context(database.writing())

    def end() -> None:
        time.sleep(LATE_SECONDS)
        stack.close()

    threading.Thread(target=end).start()


def main(url: str) -> None:
    """Serve until killed; the address is the first line told."""
    settings = Settings(database_url=url, port=0)
    app = create_app(settings)
    if os.environ.get("DIANDAN_SABOTAGE") == "ack_before_commit":
        app.dependency_overrides[sessions.transaction] = hasty
    with listening(settings, False) as listener, answering(app, listener):
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
