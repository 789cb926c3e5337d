"""One strict reader of JSON for files and for request bodies: what it lets through is plain, finite and unambiguous."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from matcher.errors import InvalidInput

MAX_DEPTH = 64
MAX_DIGITS = 300


def read_json(data: bytes, depth: int = MAX_DEPTH) -> Any:
    """Parse UTF-8 JSON (a byte order mark is accepted), or raise InvalidInput.

    Refused: NaN and Infinity, numbers beyond double precision, a key twice in one object, nesting deeper than `depth`,
    NUL characters and lone surrogates in texts.
    """
    text = _decoded(data)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise InvalidInput("json_invalid", "", error.msg, **_place(data, text, error.pos)) from None
    except _NotANumber as error:
        raise InvalidInput("json_invalid", "", error.token, **_place(data, text, _bare(text, error.token))) from None
    except RecursionError:
        raise InvalidInput("json_too_deep", limit=depth) from None
    _check(value, depth)
    return value


class _NotANumber(ValueError):
    def __init__(self, token: str) -> None:
        self.token = token


class _Twice(dict[str, Any]):
    """An object that holds `key` twice; refused once its path is known."""

    key: str


class _OutOfRange(str):
    """The digits of a number beyond double precision; refused once its path is known."""


def _no_constant(token: str) -> NoReturn:
    raise _NotANumber(token)


def _finite(token: str) -> float | _OutOfRange:
    number = float(token)
    return _OutOfRange(token) if math.isinf(number) else number


def _int(token: str) -> int | _OutOfRange:
    return int(token) if len(token) <= MAX_DIGITS else _OutOfRange(token)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        result = _Twice(result)
        result.key = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
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


def _bare(text: str, token: str) -> int:
    """Where the token first stands outside strings."""
    found = re.finditer(r'"(?:[^"\\]|\\.)*"|' + re.escape(token), text)
    return next(match.start() for match in found if match[0] == token)


def _place(data: bytes, text: str, position: int) -> dict[str, int]:
    """Line, column and byte offset of a character."""
    before = text[:position]
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    offset = mark + len(before.encode())
    return {"line": before.count("\n") + 1, "column": position - before.rfind("\n"), "offset": offset}


def _check(value: Any, deepest: int) -> None:
    """Walk what was read once: depth, keys that stand twice, and what cannot be stored."""
    stack: list[tuple[Any, str, int]] = [(value, "$", 1)]
    while stack:
        item, path, depth = stack.pop()
        if isinstance(item, str):
            _check_text(item, path)
            continue
        if depth > deepest:
            raise InvalidInput("json_too_deep", "", limit=deepest)
        if isinstance(item, _Twice):
            raise InvalidInput("json_duplicate_key", f"{path}.{item.key}", item.key)
        if isinstance(item, dict):
            for key, child in item.items():
                _check_text(key, path)
                if isinstance(child, (str, dict, list)):
                    stack.append((child, f"{path}.{key}", depth + 1))
        elif isinstance(item, list):
            stack.extend((c, f"{path}[{i}]", depth + 1) for i, c in enumerate(item) if isinstance(c, (str, dict, list)))


def _check_text(text: str, path: str) -> None:
    if isinstance(text, _OutOfRange):
        raise InvalidInput("number_range", path, text, low="-1.8e308", high="1.8e308")
    if "\0" in text:
        raise InvalidInput("text_nul", path, text)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput("text_invalid_unicode", path, text)
