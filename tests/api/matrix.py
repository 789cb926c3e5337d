"""Who may do what: every operation of OpenAPI, by every role, on what is theirs and what is not (PROMISES.md, P13).

`python -m tests.api.matrix` writes `matrix.csv` anew; whoever changes a line of it has changed who may do what.
"""

import csv
import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from api.roles import ROLES
from api.serving import answering, listening
from api.settings import Settings
from tests.api.desk import ROOMY, Desk, migrated
from tests.api.town import Street, Town, body_of, town

FILE = Path(__file__).with_name("matrix.csv")
COLUMNS = ("operation", "role", "own", "foreign")
NOBODY = "nobody"
REFUSALS = (401, 403, 404)
FOREIGN = ("territory_unknown", "ref_unknown", "unit_unknown", "team_unknown")

NAMED = {"into": "request", "volunteer": "volunteer"}
"""Fields that name something, and what."""

serial = itertools.count(1)


def matrix(place: Town, roles: Sequence[str] = (NOBODY, *ROLES)) -> Iterator[tuple[str, ...]]:
    """Every line, the roles of an operation together."""
    described = place.desk.get("/openapi.json")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            for role in roles:
                cells = (
                    _outcome(place, street, role, described, method, path, operation)
                    for street in (place.own, place.foreign)
                )
                yield (operation["operationId"], str(role), *cells)


def _outcome(
    place: Town, street: Street, role: str, described: Mapping[str, Any], method: str, path: str, operation: Any
) -> str:
    where = re.sub(r"{(\w+)_id}", lambda match: str(_id_of(street, path, match[1])), path)
    body = body_of(described, operation)
    if body is not None:
        shape = _properties(described, operation)
        body = _placed(body, shape, place.own if "{" in path else street, street, new="{" not in path)
    headers = {"Idempotency-Key": f"matrix-{next(serial)}", "If-Match": '"1"'}
    with _client(place, role) as client:
        answer = client.request(method, where, json=body, headers=headers)
    return _cell(answer, street, path)


def _id_of(street: Street, path: str, noun: str) -> int:
    return street.community if noun == "territory" and path.endswith("/move") else street.id_of(noun)


def _properties(described: Mapping[str, Any], operation: Any) -> set[str]:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = next(one["$ref"] for one in [schema, *schema.get("anyOf", [])] if "$ref" in one).rpartition("/")[2]
    return set(described["components"]["schemas"][name]["properties"])


def _placed(body: dict[str, Any], shape: set[str], at: Street, street: Street, new: bool) -> dict[str, Any]:
    """The example, said of this street, under names that nobody has yet."""
    body = {name: value for name, value in body.items() if name != "code"}
    if "territory_id" in shape and new:
        body["territory_id"] = at.community
    if "parent_id" in shape:
        body["parent_id"] = street.territory
    if "grants" in shape:
        body["grants"] = [{**grant, "territory_id": at.community} for grant in body["grants"]]
    body |= {field: street.id_of(noun) for field, noun in NAMED.items() if field in body}
    if "until" in body:
        body["until"] = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="minutes")
    if "name" in body:
        body["name"] = f"n{next(serial)}"
    return body


def _client(place: Town, role: str) -> httpx.Client:
    return place.desk.anonymous() if role == NOBODY else place.as_(role)


def _cell(answer: httpx.Response, street: Street, path: str) -> str:
    """What came of it: refused with its status, `may`, or for a list whether the street's own entry is in it."""
    code = answer.json().get("code") if answer.is_error else None
    if answer.status_code in REFUSALS or code in FOREIGN:
        return str(answer.status_code)
    assert answer.status_code < 500 and answer.status_code not in (400, 422, 405), f"{path}: {answer.text}"
    if answer.is_success and isinstance(found := answer.json() if answer.content else None, dict) and "items" in found:
        last = path.rpartition("/")[2]
        noun = {"territories": "territory", "series": "series"}.get(last, last.rstrip("s"))
        return "listed" if street.id_of(noun) in [one["id"] for one in found["items"]] else "absent"
    return "may"


def written() -> list[tuple[str, ...]]:
    """The lines of the file."""
    with FILE.open(newline="") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == COLUMNS
    return [tuple(line) for line in lines]


def main() -> None:
    """Write the file anew."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/diandan.db", port=0, **ROOMY)
        database = migrated(settings.database_url)
        with listening(settings, False) as listener, answering(create_app(settings), listener):
            lines = sorted(matrix(town(Desk.at(listener, database, settings))), key=lambda line: line[0])
    with FILE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *lines])


if __name__ == "__main__":
    main()
