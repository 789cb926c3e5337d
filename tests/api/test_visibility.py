"""Who sees which fields, and when: the table of LIFECYCLE.md, 2, field by field; and no way round it."""

from datetime import datetime, timedelta

import pytest

from api.models.requests import RequestBase
from api.models.volunteers import VolunteerBase
from api.roles import Role
from api.sessions import now
from api.visibility import FIELDS, MASKED, MASKS, SEEN_BY, Kind, When, at_a_glance, sight, veiled
from tests.api.desk import NOW, request, volunteer
from tests.api.town import CANARY_PHONE, PERSONAL, town, user

VEILED = {"name": "李**", "phone": "138****1234", "door": "***", "text": "***"}
EXACT, SNAPPED = [108.945, 34.265], [108.944, 34.264]


@pytest.fixture
def place(desk):
    return town(desk)


def personal(client, street) -> dict:
    told = client.get(f"/v1/requests/{street.request}").json()
    return {name: told[name] for name in PERSONAL}


def seats(place, state: str) -> None:
    place.desk.change("UPDATE assignments SET state = :state", state=state)


def test_a_triaged_request_is_told_in_full_to_its_dispatcher_alone(place):
    for role in {*Role} - {Role.ADMIN}:
        with place.as_(role) as client:
            assert personal(client, place.own) == (PERSONAL if role == Role.DISPATCHER else VEILED), role
            exact = role in (Role.DISPATCHER, Role.CLERK)
            assert client.get(f"/v1/requests/{place.own.request}").json()["at"] == (EXACT if exact else SNAPPED), role


def test_a_field_that_is_not_veiled_is_seen(place, monkeypatch):
    with place.as_(Role.CLERK) as client:
        for name in PERSONAL:
            with monkeypatch.context() as patch:
                patch.setitem(MASKS, name, lambda value: value)
                assert personal(client, place.own) == VEILED | {name: PERSONAL[name]}


FROM_ACCEPTANCE = {
    "offered": False, "accepted": True, "checked_in": True, "done": True, "declined": None, "withdrawn": None,
    "released": None, "proposed": None,
}  # fmt: skip


def test_a_volunteer_knows_whose_it_is_from_acceptance_on(place):
    with place.as_(Role.VOLUNTEER) as client:
        for state, full in FROM_ACCEPTANCE.items():
            seats(place, state)
            if full is None:
                assert client.get(f"/v1/requests/{place.own.request}").status_code == 404, state
            else:
                assert personal(client, place.own) == (PERSONAL if full else VEILED), state


@pytest.mark.parametrize("hours, full", [(0, True), (71.9, True), (72.1, False)])
def test_and_until_three_days_after_it(place, app, hours, full):
    seats(place, "done")
    (end,) = [one["end"] for one in place.desk.get(f"/v1/volunteers/{place.own.volunteer}/schedule")]
    moment = datetime.fromisoformat(end) + timedelta(hours=hours)
    with place.as_(Role.VOLUNTEER) as client:
        place.desk.change("UPDATE sessions SET expires_at = :later", later="2090-01-01 00:00:00")
        app.dependency_overrides[now] = lambda: moment
        assert personal(client, place.own) == (PERSONAL if full else VEILED)


def test_a_clerk_knows_whom_to_call_back(place):
    """The state stands in the row; the machine that leads there is another's work."""
    assert When.CALLING in SEEN_BY[Kind.PERSONAL].values()
    assert Kind.PERSONAL in sight([Role.CLERK], [When.CALLING])
    assert Kind.PERSONAL not in sight([Role.CLERK], [])


def test_a_list_and_an_answer_tell_nothing_personal(place):
    """Not even to the dispatcher: what is told in full is told one at a time, and noted."""
    with place.as_(Role.DISPATCHER) as client:
        texts = [client.get(path).text for path in ("/v1/requests", "/v1/volunteers", "/v1/plans", "/")]
        texts.append(client.get(f"/v1/plans/{place.own.plan}").text)
        texts.append(client.get(f"/v1/plans/{place.own.plan}/instance").text)
    texts.append(place.desk.post("/v1/requests", request(**PERSONAL)).text)
    texts.append(place.desk.post("/v1/volunteers", volunteer(phone=CANARY_PHONE)).text)
    texts += [str(place.desk.rows(f"SELECT * FROM {table}")) for table in ("idempotency_keys", "audit", "access_log")]
    for text in texts:
        assert all(word not in text for word in (*PERSONAL.values(), CANARY_PHONE))


def test_every_full_view_is_noted(place):
    seen = "SELECT who, noun, noun_id, fields FROM access_log ORDER BY id"
    for role in (Role.OVERSIGHT, Role.PLANNER, Role.CLERK, Role.VOLUNTEER):
        with place.as_(role) as client:
            personal(client, place.own)
            client.get(f"/v1/volunteers/{place.own.volunteer}")
    assert place.desk.rows(seen) == []  # masked, or one's own
    with place.as_(Role.DISPATCHER) as client:
        personal(client, place.own)
        client.get(f"/v1/volunteers/{place.own.volunteer}")
    seats(place, "accepted")
    with place.as_(Role.VOLUNTEER) as client:
        personal(client, place.own)
    every = "name phone door text"
    assert place.desk.rows(seen) == [
        ("dispatcher.own", "request", place.own.request, every),
        ("dispatcher.own", "volunteer", place.own.volunteer, "phone"),
        ("volunteer.own", "request", place.own.request, every),
    ]


def test_what_cannot_be_noted_is_not_told(place):
    place.desk.change("ALTER TABLE access_log RENAME TO gone")
    with place.as_(Role.DISPATCHER) as client:
        answer = client.get(f"/v1/requests/{place.own.request}")
    assert answer.status_code >= 500 and PERSONAL["phone"] not in answer.text


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.CLERK, Role.PLANNER, Role.OVERSIGHT, Role.VOLUNTEER])
def test_a_volunteers_phone_and_home_are_for_themselves_and_the_dispatcher(place, role):
    with place.as_(role) as client:
        told = client.get(f"/v1/volunteers/{place.own.volunteer}").json()
    full = role in (Role.DISPATCHER, Role.VOLUNTEER)
    assert told["phone"] == (CANARY_PHONE if full else "139****9876")
    assert told["at"] == ([108.94, 34.265] if full else [108.94, 34.264])


def test_a_role_elsewhere_counts_for_nothing_here(place):
    """A dispatcher of one street who is offered something in the other knows of it as any volunteer does."""
    both = user(place.desk, "both", Role.VOLUNTEER, None, place.own.volunteer)
    grants = [
        {"role": "volunteer", "territory_id": place.own.territory},
        {"role": "dispatcher", "territory_id": place.foreign.territory},
    ]
    place.desk.post(f"/v1/users/{both}/grants", {"grants": grants}).raise_for_status()
    with place.entered(both) as client:
        assert personal(client, place.own) == VEILED
        assert personal(client, place.foreign) == PERSONAL
        listed = {one["id"]: one["at"] for one in client.get("/v1/requests").json()["items"]}
    assert listed == {place.own.request: SNAPPED, place.foreign.request: EXACT}


def test_the_table_knows_every_field_it_names():
    assert FIELDS["series"] == FIELDS["request"]
    assert FIELDS["request"].keys() <= RequestBase.model_fields.keys()
    assert FIELDS["volunteer"].keys() - {"availability"} <= VolunteerBase.model_fields.keys()
    assert {name for fields in FIELDS.values() for name in fields} <= MASKS.keys()
    assert set(SEEN_BY) == set(Kind)
    assert not any(Role.ADMIN in by for by in SEEN_BY.values())


def test_masks():
    told = veiled("request", {**PERSONAL, "at": EXACT, "partners": [1], "affinity": {"1": 2}, "minutes": 5}, MASKED)
    assert told == {**VEILED, "at": SNAPPED, "partners": [], "affinity": {}, "minutes": 5}
    assert veiled("volunteer", {"phone": "12345"}, MASKED) == {"phone": "****"}
    assert at_a_glance([Role.DISPATCHER]) == {Kind.PLACE, Kind.INNER, Kind.HOME}


def test_a_trip_that_starts_elsewhere_is_snapped_too():
    period = {"from": NOW, "to": NOW, "at": [108.9451, 34.2651], "mode": None}
    (told,) = veiled("volunteer", {"availability": [period]}, MASKED)["availability"]
    assert told["at"] == [108.946, 34.266] and told["from"] == NOW


BAD = {"phone": "13812341234" * 9, "door": "3 号楼 2 单元 501" * 99, "text": 13812341234}


@pytest.mark.parametrize("field", BAD)
def test_an_error_does_not_tell_back_what_was_sent(sqlite_desk, field):
    answer = sqlite_desk.post("/v1/requests", request(**{field: BAD[field]}))
    assert answer.status_code == 422 and answer.json()["errors"][0]["value"] == "***"
    assert str(BAD[field])[:9] not in answer.text


def test_nor_a_password(sqlite_desk):
    answer = sqlite_desk.client.post("/v1/sessions", json={"name": "wang", "password": "correct horse " * 20})
    assert answer.status_code == 422 and "horse" not in answer.text


@pytest.mark.parametrize("table", ["request_windows", "requests", "audit"])
def test_no_log_and_no_error_names_anybody(desk, caplog, table):
    """The database fails in the middle of a write; what is said of it is said without names and numbers."""
    desk.change(f"ALTER TABLE {table} RENAME TO gone")
    answer = desk.post("/v1/requests", request(**PERSONAL))
    assert answer.status_code >= 500
    assert "INSERT" in caplog.text or table == "requests" or "database away" in caplog.text
    for said in (answer.text, caplog.text):
        assert all(word not in said for word in PERSONAL.values())


def test_no_log_holds_the_token_of_a_link(desk, caplog):
    desk.change("ALTER TABLE links RENAME TO gone")
    assert desk.anonymous().get("/enter/a-secret-token").status_code >= 500
    assert caplog.text and "a-secret-token" not in caplog.text
