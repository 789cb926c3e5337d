"""The catalogue of the pages: nothing missing in either language, nothing that no page says."""

import re
import string
from pathlib import Path

import pytest

import api.console
from api.console.texts import TEXTS, calendar_day, speaker
from api.models.plans import PlanState
from api.roles import ROLES
from api.volunteers.service import SHOWN
from matcher import MODES, PRIORITIES, TERMS
from tests.api.desk import NOW

ROOM = Path(api.console.__file__).parent
SOURCE = "\n".join(
    path.read_text() for path in ROOM.rglob("*") if path.suffix in (".py", ".html") and path.name != "texts.py"
)
FAMILIES = {
    "state": PlanState,
    "priority": PRIORITIES,
    "term": TERMS,
    "mode": MODES,
    "seat": SHOWN,
    "role": ROLES,
    "news": ("queued", "solving", "proposed", "failed"),
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_the_same(key):
    zh, en = TEXTS[key]
    assert zh and en
    assert fields(zh) == fields(en)


def test_every_text_that_is_asked_for_is_there():
    asked = set(re.findall(r'\bsay\("(\w+)"', SOURCE)) | set(re.findall(r"\bsay\('(\w+)'", SOURCE))
    families = {f"{family}_" for family in FAMILIES}
    assert families < asked and asked - families <= TEXTS.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_of_a_family_has_a_name(family):
    assert {f"{family}_{word}" for word in FAMILIES[family]} <= TEXTS.keys()


def test_no_text_is_left_over():
    """Each key stands somewhere in the sources, whole or as a member of its family."""
    members = {f"{family}_{word}" for family, words in FAMILIES.items() for word in words}
    assert [key for key in TEXTS if key not in members and f'"{key}"' not in SOURCE and f"'{key}'" not in SOURCE] == []


def test_days_are_named_as_each_reader_names_them():
    assert calendar_day(NOW, "zh") == "6月1日 周六"
    assert calendar_day(NOW, "en") == "Sat 1 Jun"
    assert speaker("en")("of", part=3, whole=5) == "3 of 5"
