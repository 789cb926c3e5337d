"""One catalogue: every code has both languages, naming the same things."""

import inspect
import string

import pytest

from api.errors import ApiError
from api.messages import MESSAGES


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", MESSAGES)
def test_both_languages_name_the_same(code):
    told = MESSAGES[code]
    assert set(told) == {"zh", "en", "hint_zh", "hint_en"} and all(told.values())
    for one, other in (("zh", "en"), ("hint_zh", "hint_en")):
        assert {name.removesuffix("_zh") for name in fields(told[one])} == fields(told[other])


def every_error(kind: type[ApiError] = ApiError) -> set[type[ApiError]]:
    return {kind, *(below for each in kind.__subclasses__() for below in every_error(each))}


def test_every_error_has_its_sentence():
    import api.admin
    import api.app
    import api.serving

    assert all(map(inspect.ismodule, (api.admin, api.app, api.serving)))
    assert {error.code for error in every_error()} <= MESSAGES.keys()
