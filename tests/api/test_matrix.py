"""P13: each role does only what it may, and only where it may; what is foreign is not there."""

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import true

from api import security
from api.roles import Role
from tests.api.desk import request, volunteer
from tests.api.matrix import matrix, written
from tests.api.town import town
from tests.samples import only

OPEN = {"/livez", "/readyz", "/metrics", "/v1/sessions", "/login", "/enter/{token}"}
"""For everybody, logged in or not; figures of the house for its own machine alone."""

FOR_ANY_ROLE = {"/v1/me", "/v1/sessions/current", "/me", "/logout"}
"""For everybody who is logged in."""


@pytest.fixture
def place(desk):
    return town(desk)


@only("postgres")
def test_everybody_may_what_the_file_says(place):
    """After a change that is meant: `python -m tests.api.matrix`, and look at the difference."""
    assert sorted(matrix(place)) == sorted(written())


@only("sqlite")
def test_a_service_that_forgets_where_is_seen(place, monkeypatch):
    """Every territory counts as inside of every other: dispatchers may in the other street what they may in theirs."""
    monkeypatch.setattr(security, "below", lambda path: true())
    wrong = {*matrix(place, [Role.DISPATCHER])} - {*written()}
    assert len(wrong) > 10 and all(line[3] in ("may", "listed") for line in wrong)


def test_nothing_foreign_is_ever_there():
    """Read from the file: not one line lets a role of one street at anything of the other's."""
    lines = written()
    own_only = [line for line in lines if line[2] in ("may", "listed") and line[2] != line[3]]
    assert len(own_only) > 40
    everywhere = {line[0] for line in lines if line[3] in ("may", "listed") and line[1] != "nobody"}
    assert everywhere == {"getMe", "getReport", "livez", "logOut", "readyz"}  # a report counts what its reader may know


def unnamed(app) -> set[str]:
    """The paths that no role is asked for."""

    def named(dependant) -> bool:
        return hasattr(dependant.call, "roles") or any(named(below) for below in dependant.dependencies)

    routes = [one.route for one in iter_route_contexts(app.routes) if isinstance(one.route, APIRoute)]
    assert len(routes) > 40
    return {route.path for route in routes if not any(named(one) for one in route.dependant.dependencies)}


def test_every_route_names_its_roles(app):
    assert unnamed(app) == OPEN | FOR_ANY_ROLE


def test_a_route_that_forgets_is_missed(app):
    """The test above would see it."""
    app.add_api_route("/forgotten", lambda: None)
    assert "/forgotten" in unnamed(app)


PAGES = {Role.DISPATCHER: (200, 200, 404), Role.VOLUNTEER: (403, 200, 404)}


def test_pages_are_for_dispatchers_and_the_volunteer_of_the_page(place):
    own, foreign = f"/v/{place.own.volunteer}", f"/v/{place.foreign.volunteer}"
    for role in Role:
        with place.as_(role) as client:
            told = tuple(client.get(path).status_code for path in ("/", own, foreign))
            assert told == PAGES.get(role, (403, 403, 403)), role
            assert client.get("/me").status_code == 200
            shown = 404 if role == Role.DISPATCHER else 403
            assert client.get(f"/?plan={place.foreign.plan}").status_code == shown, role


def test_a_foreign_plan_is_not_published_from_a_page(place):
    with place.as_(Role.DISPATCHER) as client:
        page = client.get("/me").text
        token = page.partition('name="token" value="')[2].partition('"')[0]
        fields = {"token": token, "key": "k", "version": "3"}
        assert client.post(f"/plans/{place.foreign.plan}/publish", data=fields).status_code == 404


def test_who_plans_a_street_plans_with_its_people_alone(place):
    with place.as_(Role.DISPATCHER) as client:
        known = client.get(f"/v1/plans/{place.own.plan}/instance").json()
    assert [one["id"] for one in known["volunteers"]] == [str(place.own.volunteer)]
    assert [one["id"] for one in known["requests"]] == [str(place.own.request)]


def test_a_plan_of_one_street_leaves_the_others_in_force(place):
    states = {plan["id"]: plan["state"] for plan in place.desk.get("/v1/plans")["items"]}
    assert states == {place.own.plan: "published", place.foreign.plan: "published"}
    whole = place.desk.proposal()
    place.desk.publish(whole).raise_for_status()
    states = [plan["state"] for plan in place.desk.get("/v1/plans")["items"]]
    assert states == ["superseded", "superseded", "published"]


def test_nobody_foreign_is_named_in_a_request(place):
    desk = place.desk.as_(Role.DISPATCHER, territory=place.own.territory)
    answer = desk.post("/v1/requests", request(partners=[place.foreign.volunteer]))
    assert (answer.status_code, answer.json()["code"]) == (422, "ref_unknown")
    assert desk.post("/v1/requests", request(partners=[place.own.volunteer])).status_code == 201


def test_what_a_street_enters_is_the_streets(place):
    desk = place.desk.as_(Role.DISPATCHER, territory=place.own.territory)
    assert desk.post("/v1/volunteers", volunteer()).json()["territory_id"] == place.own.territory
    assert place.desk.post("/v1/volunteers", volunteer()).json()["territory_id"] is None
    assert len(desk.get("/v1/volunteers")["items"]) == 2


def test_the_key_of_an_intent_is_ones_own(place):
    """The same Idempotency-Key of somebody else is not answered with what they were told."""
    bodies = []
    for street in (place.own, place.foreign):
        desk = place.desk.as_(Role.DISPATCHER, territory=street.territory)
        bodies.append(desk.post("/v1/requests", request(), key="one").json())
    assert bodies[0]["territory_id"] != bodies[1]["territory_id"]


def test_nobody_administers_who_may_more(place):
    """An administrator of a street makes no link for the one of the district, and gives no role beyond the street."""
    desk = place.desk.as_(Role.ADMIN, territory=place.own.territory)
    boss = place.desk.enter("/v1/users", {"name": "boss", "grants": [{"role": "admin"}]})
    both = [{"role": "clerk", "territory_id": one.territory} for one in (place.own, place.foreign)]
    half = place.desk.enter("/v1/users", {"name": "half", "grants": both})
    for user_id in (boss, half):
        assert desk.post(f"/v1/users/{user_id}/link", {}).status_code == 404
    beyond = {"grants": [{"role": "clerk", "territory_id": place.district}]}
    assert desk.post(f"/v1/users/{place.own.user}/grants", beyond).status_code == 422
    assert desk.post("/v1/territories", {"name": "新区"}).status_code == 403
