"""What is kept of people is kept for half a year after it is over, then nobody knows any more whose it was."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from api import retention
from api.jobs.duties import handlers
from api.jobs.scanner import Scanner
from api.models import IdempotencyRow, PlanRow, RequestRow, SeriesEditionRow, UserRow, VolunteerRow
from tests.api.desk import at, request, series, volunteer
from tests.api.test_dispatch import event, seat_of, step
from tests.api.town import PERSONAL

TODAY = datetime.fromisoformat(at("07:00"))


def closed(desk, days: float) -> int:
    """A request that was called off so many days ago."""
    asked = desk.enter("/v1/requests", request(**PERSONAL))
    event(desk, asked, "cancel", reason="不用了").raise_for_status()
    with desk.database.writing() as session:
        row = session.get_one(RequestRow, asked)
        row.closed_at, row.words, row.result = TODAY - timedelta(days=days), "李奶奶说很好", "修好了"
    return asked


def kept(desk, asked: int) -> dict:
    with desk.database.reading() as session:
        row = session.get_one(RequestRow, asked)
        return {name: getattr(row, name) for name in (*PERSONAL, "words", "result", "at", "minutes", "state")}


@pytest.fixture
def nights(desk, clock):
    """Let so many nights pass."""
    scans = Scanner(desk.database, handlers(desk.database, desk.settings))
    with desk.database.writing() as session:
        retention.wind(session, TODAY)

    def pass_by(number: int) -> None:
        for _ in range(number):
            clock["now"] += timedelta(days=1)
            assert scans.scan(clock["now"]) == 1

    return pass_by


def test_after_half_a_year_nobody_knows_whose_it_was(desk, nights):
    old, young = closed(desk, 179.5), closed(desk, 177)
    waiting = desk.enter("/v1/requests", request(**PERSONAL))
    before = kept(desk, young)
    desk.change("UPDATE clocks SET stopped_at = started_at WHERE noun = 'request'")
    nights(2)
    assert kept(desk, old) == {
        **dict.fromkeys((*PERSONAL, "words", "result")), "at": [108.944, 34.264], "minutes": 30, "state": "closed",
    }  # fmt: skip
    assert kept(desk, young) == before and before["name"]
    assert kept(desk, waiting)["name"]
    noted = "SELECT who, from_state, to_state FROM audit WHERE why = 'retention' AND noun_id = :id"
    assert desk.rows(noted, id=old) == [("clock", "closed", "closed")]
    nights(1)
    assert len(desk.rows(noted, id=old)) == 1  # once is enough


def test_what_had_no_name_loses_its_place(desk, nights):
    """Nothing else of it tells whose it was."""
    asked = closed(desk, 200)
    with desk.database.writing() as session:
        row = session.get_one(RequestRow, asked)
        for name in (*PERSONAL, "words", "result"):
            setattr(row, name, None)
    desk.change("UPDATE clocks SET stopped_at = started_at WHERE noun = 'request'")
    nights(1)
    assert kept(desk, asked)["at"] == [108.944, 34.264]


def test_who_asks_for_it_again_is_known_again(desk, clock):
    """What was forgotten and is reopened by who was not satisfied is kept for half a year more."""
    asked = closed(desk, 1)
    desk.post(f"/v1/requests/{asked}/erase", {}).raise_for_status()
    desk.change("UPDATE requests SET outcome = 'done', closed_at = '2030-06-02 08:00:00+00:00'")
    windows = [{"from": at("09:00"), "to": at("11:00")}]
    event(desk, asked, "reopen", reason="又坏了", windows=windows).raise_for_status()
    desk.post(f"/v1/requests/{asked}/amend", {"name": "李奶奶"}).raise_for_status()
    event(desk, asked, "cancel", reason="不用了").raise_for_status()
    with desk.database.writing() as session:
        retention.forget(session, clock["now"] + timedelta(days=179), 180)
    assert kept(desk, asked)["name"] == "李奶奶"
    with desk.database.writing() as session:
        retention.forget(session, clock["now"] + timedelta(days=181), 180)
    assert kept(desk, asked)["name"] is None


def test_what_is_too_much_for_a_night_goes_on_in_a_minute(desk, clock, nights, monkeypatch):
    monkeypatch.setattr(retention, "SOME", 2)
    old = [closed(desk, 200) for _ in range(3)]
    desk.change("UPDATE clocks SET stopped_at = started_at WHERE noun = 'request'")
    nights(1)
    assert [kept(desk, one)["name"] is None for one in old] == [True, True, False]
    clock["now"] += timedelta(minutes=1)
    Scanner(desk.database, handlers(desk.database, desk.settings)).scan(clock["now"])
    assert kept(desk, old[2])["name"] is None


def test_a_series_that_has_ended_is_forgotten_too(desk, nights):
    there = [108.94567, 34.26789]
    repeats = desk.enter("/v1/series", {**series(**PERSONAL, end_at=there), "last_day": "2030-06-24"})
    desk.change("UPDATE series SET state = 'ended', last_day = '2029-10-01'")
    desk.change("UPDATE clocks SET stopped_at = started_at WHERE name <> 'retention'")
    nights(1)
    (edition,) = desk.get(f"/v1/series/{repeats}")["editions"]
    template = edition["template"]
    assert {template[name] for name in PERSONAL} == {None} and template["minutes"] == 30
    with desk.database.writing() as session:
        (row,) = session.exec(select(SeriesEditionRow)).all()
        assert (row.template["at"], row.template["end_at"]) == ([108.944, 34.264], [108.946, 34.268])
        row.template = {**row.template, "name": "again"}
    nights(1)
    with desk.database.reading() as session:
        assert session.exec(select(SeriesEditionRow)).one().template["name"] == "again", "once is enough"


def test_files_of_old_plans_and_old_keys_go(desk, clock, nights):
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    assert desk.client.get(f"{where}/instance").status_code == 200
    with desk.database.writing() as session:
        session.exec(select(PlanRow)).one().ends_at = TODAY - timedelta(days=200)
        for row in session.exec(select(IdempotencyRow)):
            row.created_at = TODAY - timedelta(days=40)
    desk.change("UPDATE clocks SET stopped_at = started_at WHERE name <> 'retention'")
    nights(1)
    assert desk.client.get(f"{where}/instance").status_code == 404
    assert desk.rows("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_a_resident_is_forgotten_when_they_ask(desk, clock):
    """Not before it is over."""
    asked = desk.enter("/v1/requests", request(**PERSONAL))
    early = desk.post(f"/v1/requests/{asked}/erase", {})
    assert (early.status_code, early.json()["code"]) == (409, "transition_illegal")
    event(desk, asked, "cancel", reason="不用了").raise_for_status()
    desk.post(f"/v1/requests/{asked}/erase", {}).raise_for_status()
    assert {kept(desk, asked)[name] for name in PERSONAL} == {None}
    assert desk.rows("SELECT who FROM audit WHERE why = 'erased'") != []


def test_a_volunteer_takes_their_data_along_and_is_forgotten(desk, clock):
    person = desk.enter("/v1/volunteers", volunteer(label="王秀英", phone="13812341234"))
    own = desk.of(person)
    seat = seat_of(desk, desk.enter("/v1/requests", request()), person)
    desk.get(f"/v1/volunteers/{person}")
    told = own.get(f"/v1/volunteers/{person}/data")
    assert (told["volunteer"]["phone"], [one["id"] for one in told["seats"]]) == ("13812341234", [seat])
    assert [step["after"] for step in told["steps"]] == ["active"] and told["looks"][0]["fields"] == ["phone"]
    own.post(f"/v1/volunteers/{person}/leave", {}).raise_for_status()
    early = own.post(f"/v1/volunteers/{person}/erase", {})
    assert (early.status_code, early.json()["code"]) == (409, "volunteer_has_seats")
    step(desk, seat, "decline").raise_for_status()
    own.post(f"/v1/volunteers/{person}/erase", {}).raise_for_status()
    with desk.database.reading() as session:
        row = session.get_one(VolunteerRow, person)
        assert (row.label, row.phone, row.at, row.skills, row.availability) == (None, None, [108.94, 34.264], {}, [])
        users = [(user.name, user.active) for user in session.exec(select(UserRow))]
    assert ("erased-1", False) in users
    assert own.client.get("/v1/me").status_code == 401
