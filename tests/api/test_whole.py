"""P3: all or nothing. Whichever call to the database fails, nothing of the write is kept."""

import pytest
from sqlalchemy import event, text

from tests.api.desk import period, request, volunteer

ROSTER = ["volunteers", "availability", "requests", "request_windows"]
PEOPLE = ["territories", "units", "users", "grants", "api_keys", "sessions", "links", "login_attempts", "access_log"]
LEDGERS = ["audit", "audit_head", "ledger", "idempotency_keys"]
TABLES = [*ROSTER, *PEOPLE, "plans", "plan_files", "assignments", *LEDGERS]


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
def writes(desk):
    """Each write of the service, by name: what it sends."""
    desk.enter("/v1/volunteers", volunteer())
    desk.enter("/v1/requests", request())
    where = desk.proposal()
    version = desk.client.get(where).headers["ETag"]
    return {
        "volunteer": ("/v1/volunteers", volunteer(), {}),
        "request": ("/v1/requests", request(partners=[1]), {}),
        "plan": ("/v1/plans", period(), {}),
        "publish": (f"{where}/publish", {}, {"If-Match": version}),
        "territory": ("/v1/territories", {"name": "莲湖区"}, {}),
        "user": ("/v1/users", {"name": "wang", "grants": [{"role": "clerk"}]}, {}),
        "leave": ("/v1/volunteers/1/leave", {}, {}),
        "key": ("/v1/keys", {"name": "热线", "grants": [{"role": "clerk"}]}, {}),
    }


@pytest.mark.parametrize("write", ["volunteer", "request", "plan", "publish", "territory", "user", "leave", "key"])
def test_a_write_is_kept_whole_or_not_at_all(desk, writes, wire, write):
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
