"""What the service says while it runs: a line for each event, JSON or text, and nothing that anybody typed."""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being answered, for every line said meanwhile."""

ACCESS = ("route", "status", "milliseconds")
HOUSE = Path(__file__).parent.parent


def set_up(kind: str) -> None:
    """From now on every line of this process goes to standard error in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter({"json": JsonLines, "text": TextLines}[kind]())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("api").setLevel(logging.INFO)
    dbos = logging.getLogger("dbos")  # it would bring a handler of its own
    dbos.handlers, dbos.propagate = [handler], False


def event(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says: what is not known of it is left out."""
    said = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        "request_id": request_id.get(),
        **{name: getattr(record, name, None) for name in ACCESS},
        "error": record.exc_info and record.exc_info[1] and _story(record.exc_info[1]),
    }
    return {name: value for name, value in said.items() if value is not None}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(event(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for eyes."""

    def format(self, record: logging.LogRecord) -> str:
        said = event(record)
        head = " ".join(str(said.pop(name)) for name in ("time", "level", "logger", "message"))
        return " ".join([head.replace("\n", " "), *(f"{name}={value}" for name, value in said.items())])


def _story(error: BaseException | None) -> str:
    """Which kinds of errors arose where, the last first. Their own words may hold what a resident typed."""
    told = []
    while error is not None:
        places = [f"{_place(frame.filename)}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        told.append(f"{type(error).__name__} at {' > '.join(places[-8:])}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; from ".join(told)


def _place(file: str) -> str:
    """Within the house, or the last two names elsewhere."""
    path = Path(file)
    return str(path.relative_to(HOUSE)) if path.is_relative_to(HOUSE) else "/".join(path.parts[-2:])
