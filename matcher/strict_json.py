"""One strict reader of JSON for files and for request bodies: what it lets through is plain, finite and unambiguous."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from matcher.errors import InvalidInput

MAX_DEPTH = 64


def read_json(data: bytes, limit: int | None = None) -> Any:
    """Parse UTF-8 JSON (a byte order mark is accepted), or raise InvalidInput.

    Refused: more than `limit` bytes, NaN and Infinity, numbers beyond double precision, a key twice in one object,
    nesting deeper than 64, NUL characters and lone surrogates in texts.
    """
    if limit is not None and len(data) > limit:
        raise InvalidInput("body_too_large", "", len(data), limit=limit)
    text = _decoded(data)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite, parse_int=_int
        )
    except json.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno, "offset": len(text[: error.pos].encode())}
        raise InvalidInput("json_invalid", "", error.msg, **where) from None
    except _NotANumber as error:
        line, column, offset = _where(text, error.token)
        raise InvalidInput("json_invalid", "", error.token, line=line, column=column, offset=offset) from None
    except RecursionError:
        raise InvalidInput("json_too_deep", limit=MAX_DEPTH) from None
    _check(value)
    return value


class _NotANumber(ValueError):
    def __init__(self, token: str) -> None:
        self.token = token


def _no_constant(token: str) -> NoReturn:
    raise _NotANumber(token)


def _finite(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        raise InvalidInput("number_range", "", token, low="-1.8e308", high="1.8e308")
    return number


def _int(token: str) -> int:
    if len(token) > 300:
        raise InvalidInput("number_range", "", token, low="-1.8e308", high="1.8e308")
    return int(token)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidInput("json_duplicate_key", "", twice)
    return result


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("encoding_not_utf8", "", "", offset=error.start, guess=_guess(data)) from None


def _guess(data: bytes) -> str:
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "GBK/GB18030? "


def _where(text: str, token: str) -> tuple[int, int, int]:
    """Line, column and byte offset of the first bare token (outside strings)."""
    in_string = escaped = False
    for position, char in enumerate(text):
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif text.startswith(token, position):
            break
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n"), len(before.encode())


def _check(value: Any) -> None:
    """Walk what was read once: depth, and characters that cannot be stored."""
    stack: list[tuple[Any, str, int]] = [(value, "$", 1)]
    while stack:
        item, path, depth = stack.pop()
        if depth > MAX_DEPTH + 1:
            raise InvalidInput("json_too_deep", "", limit=MAX_DEPTH)
        if isinstance(item, str):
            _check_text(item, path)
        elif isinstance(item, dict):
            for key, child in item.items():
                _check_text(key, path)
                if isinstance(child, (str, dict, list)):
                    stack.append((child, f"{path}.{key}", depth + 1))
        elif isinstance(item, list):
            stack.extend((c, f"{path}[{i}]", depth + 1) for i, c in enumerate(item) if isinstance(c, (str, dict, list)))


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise InvalidInput("text_nul", path, text)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput("text_invalid_unicode", path, text)
