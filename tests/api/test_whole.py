"""P3: all or nothing. Whichever call to the database fails, nothing of the write is kept."""

import pytest
from sqlalchemy import event, text
from sqlmodel import SQLModel

from api import ledger
from tests.api.desk import at, period, request, series, volunteer
from tests.samples import proving

TABLES = sorted(SQLModel.metadata.tables)


class Trip(Exception):
    """The call that was made to fail."""


class Tripwire:
    """Fails the n-th statement of a transaction that writes."""

    def __init__(self, engine) -> None:
        self.left = 0
        event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, connection, cursor, statement, *rest) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE", "SELECT")) and self.left:
            self.left -= 1
            if not self.left:
                raise Trip(statement)


def everything(desk) -> dict[str, list]:
    """Every row of every table, the queue's too."""
    queue = "workflow_status" if desk.database.is_sqlite else "dbos.workflow_status"
    names = [*TABLES, queue]
    with desk.database.reading() as session:
        return {name: sorted(map(str, session.execute(text(f"SELECT * FROM {name}")).all())) for name in names}


@pytest.fixture
def wire(desk, served_engine):
    return Tripwire(served_engine)


@pytest.fixture
def writes(desk, clock):
    """Each write of the service, by name: what it sends."""
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    lives = [desk.enter("/v1/requests", request("10:00", "11:00", submitted=n == 0)) for n in range(5)]
    people = [desk.enter("/v1/volunteers", volunteer()) for _ in range(3)]
    offered, accepted, taken = (
        desk.enter(f"/v1/requests/{one}/assign", {"volunteer": person, "start": at("10:00")})
        for one, person in zip(lives[1:4], people, strict=True)
    )
    desk.post(f"/v1/assignments/{accepted}/accept", {}).raise_for_status()
    waits = desk.enter("/v1/requests", request("12:00", "13:00", priority="urgent"))
    asked = {"for": "department", "until": at("23:00"), "reason": "等配件", "external_number": "GD-2"}
    desk.post(f"/v1/requests/{waits}/wait", asked).raise_for_status()
    over = desk.enter("/v1/requests", request(name="李秀英"))
    desk.post(f"/v1/requests/{over}/cancel", {"reason": "不用了"}).raise_for_status()
    where = desk.proposal()
    version = desk.client.get(where).headers["ETag"]
    return {
        "triage": (f"/v1/requests/{lives[0]}/triage", {"priority": "urgent"}, {}),
        "reject": (f"/v1/requests/{lives[0]}/reject", {"reason": "不归我们", "next_owner": "物业"}, {}),
        "merge": (f"/v1/requests/{lives[4]}/merge", {"into": lives[1]}, {}),
        "wait": (
            f"/v1/requests/{lives[2]}/wait",
            {"for": "department", "until": at("23:00"), "reason": "等配件", "external_number": "GD-1"},
            {},
        ),
        "amend": (f"/v1/requests/{lives[4]}/amend", {"tier": "simple", "priority": "urgent"}, {}),
        "resume": (f"/v1/requests/{waits}/resume", {"returned": True}, {}),
        "cancel": (f"/v1/requests/{lives[2]}/cancel", {"reason": "不用了"}, {}),
        "assign": (f"/v1/requests/{lives[4]}/assign", {"volunteer": 1, "start": at("11:00")}, {}),
        "take over": (
            f"/v1/requests/{lives[2]}/assign",
            {"volunteer": 1, "start": at("10:30"), "reason": "换人"},
            {},
        ),
        "undo": (f"/v1/assignments/{taken}/undo", {}, {}),
        "accept": (f"/v1/assignments/{offered}/accept", {}, {}),
        "decline": (f"/v1/assignments/{offered}/decline", {}, {}),
        "withdraw": (f"/v1/assignments/{accepted}/withdraw", {"because": "ill"}, {}),
        "pause": ("/v1/volunteers/2/pause", {"from": at("00:00"), "to": at("23:00")}, {}),
        "volunteer": ("/v1/volunteers", volunteer(), {}),
        "request": ("/v1/requests", request(partners=[1]), {}),
        "plan": ("/v1/plans", period(), {}),
        "publish": (f"{where}/publish", {}, {"If-Match": version}),
        "territory": ("/v1/territories", {"name": "莲湖区"}, {}),
        "team": ("/v1/teams", {"name": "一队"}, {}),
        "move": ("/v1/volunteers/2/move", {"at": [108.95, 34.28]}, {}),
        "series": ("/v1/series", series(), {}),
        "erase": (f"/v1/requests/{over}/erase", {}, {}),
        "offers": ("/v1/volunteers/2/offers", {"automatic": False}, {}),
        "user": ("/v1/users", {"name": "wang", "grants": [{"role": "clerk"}]}, {}),
        "leave": ("/v1/volunteers/1/leave", {}, {}),
        "key": ("/v1/keys", {"name": "热线", "grants": [{"role": "clerk"}]}, {}),
    }


WRITES = (
    "volunteer", "request", "plan", "publish", "territory", "user", "leave", "pause", "key", "triage", "reject",
    "merge", "wait", "cancel", "assign", "take over", "undo", "accept", "decline", "withdraw",
    "amend", "resume", "team", "move", "series", "erase", "offers",
)  # fmt: skip


BOTH = [(kind, write) for write in WRITES for kind in ("sqlite", "postgres")]
ONE_OF_BOTH = [(kind, write) for n, (kind, write) in enumerate(BOTH) if n % 4 in (0, 3) or write in ("plan", "publish")]
"""Every write, every other on PostgreSQL; and on both where the queue has a part in it."""


@pytest.mark.parametrize("database_url, write", BOTH if proving() else ONE_OF_BOTH, indirect=["database_url"])
def test_a_write_is_kept_whole_or_not_at_all(desk, writes, wire, write):
    whole_or_not(desk, writes, wire, write)


def test_a_write_that_commits_half_way_is_seen(desk, writes, wire, monkeypatch):
    """`ledger.note` in a transaction of its own: what is in the audit has not happened."""
    whole = ledger.note

    def note(session, *arguments, **more):
        whole(session, *arguments, **more)
        session.commit()

    monkeypatch.setattr(ledger, "note", note)
    with pytest.raises(AssertionError):
        whole_or_not(desk, writes, wire, "decline")


def whole_or_not(desk, writes, wire, write):
    """The n-th statement fails, for n = 1, 2, … until all pass: before that nothing is kept."""
    path, body, headers = writes[write]
    before = everything(desk)
    for n in range(1, 100):
        wire.left = n
        answer = desk.post(path, body, key="one", **headers)
        passed = wire.left > 0
        wire.left = 0
        if passed:
            break
        assert answer.status_code == 500
        assert everything(desk) == before
    assert answer.is_success and n > 3
    assert everything(desk) != before
