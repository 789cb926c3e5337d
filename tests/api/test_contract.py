"""P15: whatever comes in, the answer is one that OpenAPI tells of, in the shape it tells, and never a 5xx."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import Session
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.errors import NotFound, Problem
from api.messages import MESSAGES
from api.models.plans import PlanPublic
from api.plans import service
from api.roles import Role
from tests.api.desk import Desk, at, request, volunteer
from tests.api.matrix import NAMED
from tests.api.town import Street, Town, town
from tests.samples import proving, sample

TOLD = [status_code_conformance, content_type_conformance, response_schema_conformance]

STAFF = [role for role in Role if role != Role.VOLUNTEER]

IDENTITIES: dict[str, Callable[[Desk, Street], Desk | None]] = {
    "nobody": lambda desk, own: None,
    "everything of one street": lambda desk, own: desk.as_(*STAFF, territory=own.territory),
    "a volunteer": lambda desk, own: desk.of(own.volunteer),
}

WAITING = ("triageRequest", "answerRequest", "rejectRequest", "mergeRequest")
"""What happens to a request of which nothing is decided yet."""

serial = itertools.count(1)

# Seconds and years long gone are refused (test_bad_inputs.py); if all moments were such, nothing else would be seen.
schemathesis.openapi.format(
    "date-time", st.datetimes(datetime(2026, 1, 1), datetime(2031, 1, 1)).map(lambda t: f"{t:%Y-%m-%dT%H:%M}+08:00")
)


KINDS = ["sqlite", "postgres"] if proving() else ["sqlite"]
"""Most of what is tried stands in front of the database; what does not is tried on both where there is time."""


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest) -> Town:
    return town(request.getfixturevalue(f"{request.param}_desk"))


@pytest.mark.prove("contract")
@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_contract_is_kept(place, identity, record_property):
    """Each operation: what fits its schema, asked of things that are there and of any, and what does not fit."""
    examples = sample("contract", 6, 100)
    if identity == "nobody" and not proving():
        examples = 2  # told 401 whatever they send
    broken, statuses = tried(place, identity, examples)
    record_property("answers", ", ".join(f"{n} × {status}" for status, n in sorted(statuses.items())))
    assert not broken, "\n\n".join(f"{fault}\n  {first}" for fault, first in broken.items())


@pytest.mark.parametrize("fault, said", [
    ("breaks down", "500: an error of the service's own"),
    ("untold status", "418: Undocumented status code: Received: 418"),
    ("untold shape", '200: Response violates schema: "one" is not of type "integer"'),
])  # fmt: skip
def test_a_broken_contract_is_seen(place, monkeypatch, fault, said):
    """One operation is spoiled."""
    match fault:
        case "breaks down":
            monkeypatch.setattr(service, "public", lambda *_: 1 / 0)
        case "untold status":
            monkeypatch.setattr(NotFound, "status", 418)
        case "untold shape":
            monkeypatch.setattr(service, "public", lambda *_: PlanPublic.model_construct(id="one"))
    broken, _ = tried(place, "everything of one street", 20, {"getPlan"})
    assert f"GET /v1/plans/{{plan_id}} {said}" in broken, broken


def tried(place: Town, identity: str, examples: int, only: Collection[str] = ()) -> tuple[dict[str, str], Counter[int]]:
    """What is broken, with the first that showed it; and how many answers of each status there were."""
    described = schemathesis.openapi.from_dict(place.desk.get("/openapi.json"))
    broken: dict[str, str] = {}
    statuses: Counter[int] = Counter()
    for operation in (found.ok() for found in described.get_all_operations()):
        if only and operation.definition.raw["operationId"] not in only:
            continue
        own = place.own if identity == "nobody" else anew(place, operation)
        for case, answer in answers(operation, own, IDENTITIES[identity](place.desk, own), place.desk, examples):
            statuses[answer.status_code] += 1
            for fault in faults(case, answer):
                broken.setdefault(fault, f"{case.as_curl_command()}\n  {answer.status_code} {answer.text[:300]}")
    return broken, statuses


def anew(place: Town, operation: APIOperation) -> Street:
    """The own street, with somebody and something in it that nothing has happened to yet."""
    there = {"territory_id": place.own.community}
    person = place.desk.enter("/v1/volunteers", volunteer(**there))
    waiting = operation.definition.raw["operationId"] in WAITING
    asked = place.desk.enter("/v1/requests", request(submitted=waiting, **there))
    own = replace(place.own, volunteer=person, request=asked)
    if waiting:
        return own
    seat = place.desk.enter(f"/v1/requests/{asked}/assign", {"volunteer": person, "start": at("09:00")})
    return replace(own, assignment=seat)


def answers(
    operation: APIOperation, own: Street, who: Desk | None, desk: Desk, examples: int
) -> list[tuple[Case, Response]]:
    """So many cases of one operation, the same each time, and what came back."""
    found = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(operation, own))
    def send(case: Case) -> None:
        found.append((case, case.call(str(desk.client.base_url), session)))

    with Session() as session:
        session.headers.update(who.client.headers if who else {"Accept-Language": "en"})
        send()
    return found


def cases(operation: APIOperation, own: Street) -> st.SearchStrategy[Case]:
    """Of four, two that fit the schema and speak of what is there, one that fits, and one that does not."""
    names = [one.name for one in operation.path_parameters]
    ids = {name: own.id_of(name.removesuffix("_id")) for name in names}
    there = operation.as_strategy(path_parameters=ids).map(lambda case: meant(case, own))
    if not (names or operation.query or operation.headers or operation.body):
        return there  # nothing can be wrong
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.sampled_from([there, there, operation.as_strategy(), wrong]).flatmap(lambda kind: kind)


def meant(case: Case, own: Street) -> Case:
    """The case as somebody would send it who knows what is there: a new key, the people and requests by their ids."""
    if "Idempotency-Key" in {one.name for one in case.operation.headers}:
        case.headers = {"Idempotency-Key": f"contract-{next(serial)}"}
    if isinstance(case.body, dict):
        case.body |= {name: own.id_of(noun) for name, noun in NAMED.items() if name in case.body}
    return case


def faults(case: Case, answer: Response) -> Iterator[str]:
    """What is not as OpenAPI tells it."""
    label = f"{case.operation.label} {answer.status_code}"
    if answer.status_code >= 500:
        yield f"{label}: an error of the service's own"
    try:
        case.validate_response(answer, checks=TOLD)
    except FailureGroup as group:
        yield from (f"{label}: {failure.title}: {failure.message.splitlines()[0]}" for failure in group.exceptions)
    if answer.status_code >= 400:
        told = Problem.model_validate_json(answer.content)
        codes = {told.code, *(one.code for one in told.errors)}
        if told.status != answer.status_code or told.request_id != answer.headers["x-request-id"][0]:
            yield f"{label}: the problem speaks of another answer"
        yield from (f"{label}: {code} has no sentence" for code in codes - MESSAGES.keys())
