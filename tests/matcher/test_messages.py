"""One catalogue: every code that is raised is in it, in two languages, and every code in it is raised."""

import ast
import pickle
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from matcher import MESSAGES, InvalidInput, TooLarge, shown

HOUSE = Path(__file__).parent.parent.parent
CATALOGUE = "messages.py"


def trees(*packages: str) -> Iterator[ast.Module]:
    for package in packages:
        for path in sorted((HOUSE / package).rglob("*.py")):
            if path.name != CATALOGUE:
                yield ast.parse(path.read_text(encoding="utf-8"))


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every code the matcher raises by name, with the call."""
    for tree in trees("matcher"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("InvalidInput", "TooLarge"):
                yield from ((code, node) for code in texts(code_of(node)))


def code_of(call: ast.Call) -> Iterator[ast.AST]:
    first = call.args[0]
    return iter([first.body, first.orelse] if isinstance(first, ast.IfExp) else [first])


def texts(nodes: Iterator[ast.AST]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_code_that_is_raised_has_its_sentence():
    codes = {code for code, _ in raised()}
    assert len(codes) > 30
    assert codes - MESSAGES.keys() == set()


def test_every_sentence_has_a_code_that_is_raised():
    """A code may also reach the catalogue by way of a variable; it stands somewhere in the code then."""
    written = {text for tree in trees("matcher", "api") for text in texts(ast.walk(tree))}
    assert MESSAGES.keys() - written == set()


@pytest.mark.parametrize("code", MESSAGES)
def test_a_sentence_has_two_languages_and_a_mend_in_each(code):
    entry = MESSAGES[code]
    assert sorted(entry) == ["en", "hint_en", "hint_zh", "zh"] and all(entry.values())
    assert said(entry["zh"]) == said(entry["en"])
    assert said(entry["hint_zh"]) == said(entry["hint_en"])
    assert any("一" <= char <= "鿿" for char in entry["zh"]) and entry["en"].isascii()


def said(template: str) -> set[str]:
    """The fields of a sentence; those in Chinese go by the name of the English ones."""
    return {name.removesuffix("_zh") for name in fields(template)}


@pytest.mark.parametrize(
    ("code", "call"), list(raised()), ids=lambda x: x if isinstance(x, str) else f"line {x.lineno}"
)
def test_whoever_raises_a_code_names_what_its_sentence_says(code, call):
    given = {keyword.arg for keyword in call.keywords}
    wanted = set().union(*(fields(template) for template in MESSAGES[code].values())) - {"value", "path"}
    assert None in given or wanted <= given


def test_a_message_names_the_value_and_the_mend():
    error = InvalidInput("value_too_large", "weights.late", 10**14, limit=10**6).under("$")
    assert str(error) == (
        "[value_too_large] $.weights.late: 100000000000000 is too large, at most 1000000; check the unit"
    )
    assert (error.sentence("zh"), error.hint("zh")) == ("100000000000000 太大，最大 1000000", "请检查单位")


def test_an_error_is_seen_from_above():
    error = TooLarge("too_many_seats", "seats", 51, limit=50)
    assert error.under("requests[3]").path == "requests[3].seats"
    assert InvalidInput("window_invalid", "", (1, 0)).under("windows[0]").path == "windows[0]"
    assert InvalidInput("window_invalid", "[0]", (1, 0)).under("windows").path == "windows[0]"
    assert isinstance(error.under("x"), TooLarge)


def test_an_error_crosses_to_another_process():
    error = pickle.loads(pickle.dumps(TooLarge("too_many_seats", "seats", 51, limit=50)))
    assert str(error) == "[too_many_seats] seats: 51 seats, the limit is 50; split the request"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (7, "7"),
        (None, "None"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 39 + "…"),
        ("two\nlines\x1b", "two\N{REPLACEMENT CHARACTER}lines\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_value_is_shown_short_and_on_one_line(value, text):
    assert shown(value) == text


def test_braces_in_a_value_are_no_fields():
    assert (
        InvalidInput("choice_unknown", "mode", "{path}", choices="{value}").sentence() == "{path} is not a choice here"
    )
