"""The tree of four levels: what lies below what, also after a move, and found by an index."""

import pytest
from sqlmodel import select

from api.db import Database
from api.models import TerritoryRow
from api.roles import Role
from api.security import below
from tests.api.desk import at, request, volunteer


def add(desk, name: str, parent: int | None = None, **more) -> int:
    return desk.enter("/v1/territories", {"name": name, "parent_id": parent, **more})


@pytest.fixture
def tree(desk) -> dict[str, int]:
    """Two districts; in the first two streets, in the first of them a community with two grids."""
    ids = {"east": add(desk, "东区"), "west": add(desk, "西区")}
    ids["a"], ids["b"] = (add(desk, name, ids["east"]) for name in ("甲街道", "乙街道"))
    ids["a1"] = add(desk, "甲一社区", ids["a"])
    ids["g1"], ids["g2"] = (add(desk, name, ids["a1"]) for name in ("一网格", "二网格"))
    return ids


def under(database: Database, top: int) -> set[int]:
    with database.reading() as session:
        path = session.get_one(TerritoryRow, top).path
        return set(session.exec(select(TerritoryRow.id).where(below(path))))


def test_each_level_lies_in_the_one_above(desk, tree):
    levels = {one["id"]: one["level"] for one in desk.get("/v1/territories")["items"]}
    assert [levels[tree[name]] for name in ("east", "a", "a1", "g1")] == ["district", "street", "community", "grid"]
    assert under(desk.database, tree["east"]) == set(tree.values()) - {tree["west"]}
    assert under(desk.database, tree["a1"]) == {tree["a1"], tree["g1"], tree["g2"]}
    assert under(desk.database, tree["g2"]) == {tree["g2"]}


def test_no_prefix_of_a_number_is_mistaken_for_it(desk):
    """District 1 does not hold what district 10 holds."""
    ids = [add(desk, f"区 {n}") for n in range(12)]
    street = add(desk, "街道", ids[9])
    assert under(desk.database, ids[0]) == {ids[0]}
    assert under(desk.database, ids[9]) == {ids[9], street}


def test_nothing_lies_below_a_grid(desk, tree):
    answer = desk.post("/v1/territories", {"name": "下", "parent_id": tree["g1"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "level_invalid")


@pytest.mark.parametrize("what, where, code", [
    ("a1", "east", "level_invalid"), ("a1", "g1", "level_invalid"), ("a", "a", "level_invalid"),
    ("west", "east", "level_invalid"), ("a1", None, "type_int"), ("a1", 99, "territory_unknown"),
])  # fmt: skip
def test_it_moves_only_among_its_like(desk, tree, what, where, code):
    answer = desk.post(f"/v1/territories/{tree[what]}/move", {"parent_id": tree.get(where, where)})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_community_moves_with_all_it_holds(desk, tree):
    """Who is there for the other street knows of it from then on, who was before does not."""
    waiting = desk.enter("/v1/requests", request(territory_id=tree["g1"]))
    before, after = (desk.as_(Role.DISPATCHER, territory=tree[name]) for name in ("a", "b"))
    assert before.client.get(f"/v1/requests/{waiting}").status_code == 200
    desk.post(f"/v1/territories/{tree['a1']}/move", {"parent_id": tree["b"]}).raise_for_status()
    assert under(desk.database, tree["b"]) == {tree["b"], tree["a1"], tree["g1"], tree["g2"]}
    assert under(desk.database, tree["a"]) == {tree["a"]}
    told = [one.client.get(f"/v1/requests/{waiting}").status_code for one in (before, after)]
    assert told == [404, 200]


def test_a_code_is_given_once(desk, tree):
    add(desk, "南区", code="610104")
    answer = desk.post("/v1/territories", {"name": "北区", "code": "610104"})
    assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")


def test_who_is_there_for_two_parts_says_which(desk, tree):
    grants = [{"role": "clerk", "territory_id": tree[name]} for name in ("a", "b")]
    both = desk.holding(desk.post("/v1/keys", {"name": "two", "grants": grants}).json()["secret"])
    answer = both.post("/v1/requests", request())
    assert (answer.status_code, answer.json()["code"]) == (422, "role_needs_territory")
    assert both.post("/v1/requests", request(territory_id=tree["g1"])).status_code == 201


def test_units_belong_to_their_part(desk, tree):
    desk.enter("/v1/units", {"name": "区医院队", "territory_id": tree["a"]})
    answer = desk.post("/v1/units", {"name": "区医院队"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    person = {"at": [108.94, 34.265], "unit_id": 9}
    assert desk.post("/v1/volunteers", person).json()["code"] == "unit_unknown"
    elsewhere = desk.as_(Role.DISPATCHER, territory=tree["b"])
    assert elsewhere.post("/v1/volunteers", person | {"unit_id": 1}).json()["code"] == "unit_unknown"
    assert desk.post("/v1/volunteers", person | {"unit_id": 1}).json()["unit_id"] == 1


def test_teams_have_their_people(desk, tree):
    """One team each; who leaves is counted no more, and who only joins another keeps their seats unmarked."""
    desk.enter("/v1/units", {"name": "区医院队", "territory_id": tree["a"]})
    there = {"territory_id": tree["a"]}
    assert desk.post("/v1/teams", {"name": "一队", "unit_id": 9}).json()["code"] == "unit_unknown"
    first, second = (desk.enter("/v1/teams", {"name": name, "unit_id": 1, **there}) for name in ("一队", "二队"))
    assert desk.post("/v1/teams", {"name": "一队"}).json()["code"] == "name_taken"
    assert desk.post("/v1/volunteers", volunteer(team_id=9)).json()["code"] == "team_unknown"
    people = [desk.enter("/v1/volunteers", volunteer(team_id=first, unit_id=1, **there)) for _ in range(3)]
    asked = desk.enter("/v1/requests", request(**there))
    desk.enter(f"/v1/requests/{asked}/assign", {"volunteer": people[0], "start": at("09:00")})
    moved = desk.post(f"/v1/volunteers/{people[0]}/move", {"at": volunteer()["at"], "team_id": second}).json()
    assert (moved["volunteer"]["team_id"], moved["affected"]) == (second, [])
    desk.post(f"/v1/volunteers/{people[1]}/leave", {}).raise_for_status()
    assert [(team["name"], team["volunteers"]) for team in desk.get("/v1/teams")["items"]] == [("一队", 1), ("二队", 1)]
    elsewhere = desk.as_(Role.DISPATCHER, territory=tree["b"])
    assert elsewhere.get("/v1/teams")["items"] == []
    assert elsewhere.post("/v1/volunteers", volunteer(team_id=first)).json()["code"] == "team_unknown"


@pytest.mark.parametrize("field, code", [("territory_id", 422), ("unit_id", 403), ("team_id", 403)])
def test_nobody_takes_themselves_out_of_their_part(desk, tree, field, code):
    person = desk.enter("/v1/volunteers", volunteer(territory_id=tree["a"]))
    assert desk.of(person).post(f"/v1/volunteers/{person}/move", {field: None}).status_code == code


def test_a_subtree_is_one_range_of_the_index(database):
    """On neither database is the whole table looked through."""
    with database.writing() as session:
        session.add_all(TerritoryRow(level="grid", name=str(n), path=f"/{n}/") for n in range(2000))
    plan = str(
        select(TerritoryRow.id).where(below("/7/")).compile(database.engine, compile_kwargs={"literal_binds": True})
    )
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE territories")
        told = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain} {plan}"))
    assert "ix_territories_path" in told
