"""What is wrong with an input: a code, where it stands, the value, and a sentence in the reader's language."""

from __future__ import annotations

from typing import Any

from matcher.messages import MESSAGES

EXIT_INVALID = 3
EXIT_TOO_LARGE = 4


class InvalidInput(ValueError):
    """An instance, plan or file that cannot be read as one.

    `path` is a JSON path below the thing being built (`$.volunteers[3].availability[0]` once a file has been read),
    `value` the offending value, `params` whatever else the sentence of the code names.
    """

    exit_code = EXIT_INVALID

    def __init__(self, code: str, path: str = "", value: Any = None, **params: Any) -> None:
        self.code, self.path, self.value, self.params = code, _printable(path), value, params
        super().__init__(code, path, value)

    def under(self, parent: str) -> InvalidInput:
        """The same error seen from the object that holds the one it was found in."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return type(self)(self.code, f"{parent}{joint}{self.path}", self.value, **self.params)

    def sentence(self, lang: str = "en") -> str:
        """What is wrong, naming the value."""
        return _fill(MESSAGES[self.code][lang], self)

    def hint(self, lang: str = "en") -> str:
        """The likely mend."""
        return _fill(MESSAGES[self.code]["hint_" + lang], self)

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"[{self.code}] {where}{self.sentence()}; {self.hint()}"


class TooLarge(InvalidInput):
    """An input beyond the stated limits (FORMAT.md, Limits)."""

    exit_code = EXIT_TOO_LARGE


def shown(value: Any) -> str:
    """A value as a message shows it: at most 40 characters, never a line break."""
    text = _printable(value if isinstance(value, str) else repr(value))
    return text if len(text) <= 40 else text[:39] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _fill(template: str, error: InvalidInput) -> str:
    params = {name: shown(value) for name, value in error.params.items()}
    return template.format(value=shown(error.value), path=error.path, **params)
