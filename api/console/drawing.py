"""Pages from templates: every one knows its language, and every value is escaped."""

from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from api.console.texts import calendar_day, speaker
from api.errors import language
from api.messages import LANGUAGES

TEMPLATES = Environment(
    loader=PackageLoader("api.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "day": calendar_day,
    "grouped": "{:,}".format,
    "km": "{:.1f}".format,
    "percent": lambda share: f"{share:.1%}".replace(".0%", "%"),
}


def page(template: str, request: Request, **values: Any) -> str:
    """A page in the reader's language."""
    lang = language(request.scope)
    say = speaker(lang)
    other = next(each for each in LANGUAGES if each != lang)
    frame = {"say": say, "lang": lang, "other": other, "other_address": address(request, lang=other)}
    who = getattr(request.state, "actor", None)
    return TEMPLATES.get_template(template).render(values, who=who, **frame)


def address(request: Request, **changes: object) -> str:
    """This page's own address with some of its question changed; None takes a part away."""
    asked = {**request.query_params, **changes}
    return f"{request.url.path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"
