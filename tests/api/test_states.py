"""P7: a request and its crew are driven at random; what happens is what a small model, written down apart, expects."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import col, select

from api.assignments import service as seats
from api.errors import ApiError
from api.jobs import duties
from api.jobs.scanner import Scanner
from api.lifecycle import MACHINES
from api.models import AssignmentRow, AuditRow, RequestRow
from api.models.plans import Accept, CheckIn, Decline, Finish, HandAssignment, Withdraw
from api.models.requests import (
    Amend,
    Answer,
    Callback,
    Cancel,
    Merge,
    Rating,
    Rejection,
    Reopen,
    RequestCreate,
    Resume,
    Triage,
    Wait,
)
from api.models.volunteers import VolunteerCreate
from api.plans import by_hand
from api.requests import life
from api.requests import service as requests
from api.roles import Role
from api.security import HOUSE, Actor, Grant
from api.settings import Settings
from api.transitions import Act
from api.volunteers import service as volunteers
from tests.api.desk import at, migrated, request, volunteer
from tests.samples import sample

MORNING = datetime.fromisoformat(at("08:30"))

# What LIFECYCLE.md says may be asked for, by state: written here a second time, on purpose.
ASKED = {
    "amend": {"submitted", "triaged"},
    "triage": {"submitted"},
    "answer": {"submitted"},
    "reject": {"submitted"},
    "merge": {"submitted", "triaged"},
    "wait": {"submitted", "triaged", "dispatched", "confirmed", "in_service", "callback"},
    "resume": {"waiting"},
    "rate": {"served"},
    "call_back": {"callback"},
    "reopen": {"callback", "closed"},
    "cancel": {"submitted", "triaged", "dispatched", "confirmed", "in_service", "waiting"},
}
ANSWERED = {
    "accept": {"offered"},
    "decline": {"offered"},
    "withdraw": {"accepted", "checked_in"},
    "check_in": {"accepted"},
    "finish": {"checked_in"},
}
ALLOWED = {
    "desk": {"amend", "triage", "answer", "reject", "merge", "wait", "resume", "cancel", *ANSWERED},
    "clerk": {"amend", "answer", "rate", "call_back", "reopen", "cancel"},
}
ACTORS = {
    name: Actor(name, (Grant(role),), user_id=id)
    for id, (name, role) in enumerate([("desk", Role.DISPATCHER), ("clerk", Role.CLERK)], 1)
}
BODIES = {
    "amend": Amend(minutes=45),
    "triage": Triage(),
    "answer": Answer(answer="好"),
    "reject": Rejection(reason="不归我们", next_owner="物业"),
    "rate": Rating(stars=4),
    "call_back": Callback(result="satisfied"),
    "cancel": Cancel(reason="不用了"),
    "resume": Resume(),
    "accept": Accept(),
    "decline": Decline(),
    "withdraw": Withdraw(because="ill"),
    "check_in": CheckIn(),
    "finish": Finish(minutes=30),
}
visited: set[tuple[str, str | None, str]] = set()


class Lives(RuleBasedStateMachine):
    """One request with two seats, five people, one clock that stands still unless it is moved."""

    database = None
    common = ALLOWED["desk"] & ALLOWED["clerk"]

    @initialize(submitted=st.booleans())
    def begin(self, submitted):
        self.now = MORNING
        with self.database.writing() as session:
            people = [VolunteerCreate.model_validate(volunteer("08:00", "20:00")) for _ in range(5)]
            self.people = [int(row.id) for row in volunteers.enter_all(session, people, self.now, HOUSE)]
            asked = request(seats=[{}, {}], submitted=submitted, service="清扫")
            self.id = requests.enter(session, RequestCreate.model_validate(asked), self.now, HOUSE).id
            self.other = requests.enter(session, RequestCreate.model_validate(asked), self.now, HOUSE).id

    @rule(event=st.sampled_from(sorted(ASKED)), department=st.booleans(), stranger=st.integers(0, 9))
    def ask(self, event, department, stranger):
        """Something the desk or the resident may want, at any moment; now and then said by whoever may not."""
        before = self.request()
        name = next(who for who in ACTORS if (event in ALLOWED[who]) == (stranger > 0 or event in self.common))
        allowed = before.state in ASKED[event] and event in ALLOWED[name]
        if event == "reopen":
            allowed &= before.state != "closed" or before.outcome == "done"
        body = BODIES.get(event) or self.body(event, department)
        if event == "wait" and department:
            allowed &= before.returned < 2
        self.happens(allowed, lambda session, act: getattr(life, event)(session, self.id, body, act, None), name)

    def body(self, event, department):
        if event == "merge":
            return Merge(into=self.other)
        if event == "reopen":
            return Reopen.model_validate({"reason": "没做好", "windows": request()["windows"]})
        until = self.now + timedelta(days=10)
        number = {"external_number": "GD-1"} if department else {}
        waits_for = "department" if department else "date"
        return Wait.model_validate({"for": waits_for, "until": until, "reason": "等一等", **number})

    @rule(seat=st.integers(0, 1), person=st.integers(0, 4))
    def assign(self, seat, person):
        asked = HandAssignment(volunteer=self.people[person], seat=seat, start=MORNING + timedelta(minutes=45))
        self.tried(lambda session, act: by_hand.assign(session, self.id, asked, act, Settings()))

    @precondition(lambda self: self.seats())
    @rule(event=st.sampled_from(sorted(ANSWERED)), which=st.integers(0, 5))
    def answer(self, event, which):
        """Something a volunteer may want, at any moment."""
        rows = self.seats()
        row = rows[which % len(rows)]
        allowed = row.state in ANSWERED[event]
        self.happens(allowed, lambda session, act: getattr(seats, event)(session, row.id, BODIES[event], act, None))

    @rule(minutes=st.sampled_from([5, 31, 3 * 1440 + 1]))
    def time_passes(self, minutes):
        """Clocks fire; then it is morning again for whoever comes next, so that there is something left to do."""
        scanner = Scanner(self.database, {**duties.handlers(self.database, Settings()), "round": duties.forget})
        scanner.scan(self.now + timedelta(minutes=minutes))

    def happens(self, allowed, does, who="desk"):
        told = self.tried(does, who)
        assert (told is None) == allowed, f"{told} in {self.request().state}, allowed: {allowed}"

    def tried(self, does, who="desk"):
        """The code of the refusal, and then nothing has changed; None when it was done."""
        before = self.everything()
        try:
            with self.database.writing() as session:
                does(session, Act(ACTORS[who], self.now))
        except ApiError as error:
            assert self.everything() == before
            return error.code
        return None

    def request(self):
        with self.database.reading() as session:
            return session.get_one(RequestRow, self.id)

    def seats(self):
        with self.database.reading() as session:
            found = select(AssignmentRow).where(AssignmentRow.request_id == self.id)
            return list(session.exec(found.order_by("id")))

    def everything(self):
        return self.request().model_dump(), [row.model_dump() for row in self.seats()]

    @invariant()
    def the_request_is_where_its_seats_are(self):
        """What LIFECYCLE.md says each state means."""
        if not hasattr(self, "id"):
            return
        request = self.request()
        states = {row.seat: row.state for row in self.seats() if row.life == request.reopened
                  and row.state in ("offered", "accepted", "checked_in", "done")}  # fmt: skip
        yes = [state for state in states.values() if state != "offered"]
        match request.state:
            case "triaged" | "submitted":
                assert len(states) < 2
            case "dispatched":
                assert len(states) == 2 and len(yes) < 2
            case "confirmed":
                assert len(yes) == 2 and set(yes) == {"accepted"}
            case "in_service":
                assert len(states) == 2 and {"checked_in", "done"} & set(yes)
            case "served":
                assert [*states.values()] == ["done", "done"] and request.served_at
            case "closed":
                assert request.outcome and request.closed_at and not {"offered", "accepted"} & set(states.values())
            case "waiting":
                assert request.comes_back_to and not {"offered", "accepted"} & set(states.values())

    def teardown(self):
        """Every step is in the audit, each begins where the one before ended, and each is a declared one."""
        if not hasattr(self, "id"):
            return
        mine = {"request": [self.id], "assignment": [row.id for row in self.seats()]}
        with self.database.reading() as session:
            found = [
                select(AuditRow).where(AuditRow.noun == noun, col(AuditRow.noun_id).in_(ids))
                for noun, ids in mine.items()
            ]
            rows = [row for one in found for row in session.exec(one)]
        last = {}
        for row in sorted(rows, key=lambda row: row.seq):
            key = row.noun, row.noun_id
            assert last.get(key) == row.from_state
            last[key] = row.to_state
            if row.from_state != row.to_state:
                visited.add((row.noun, row.from_state, row.to_state))


def _audit(session, noun, ids):
    return session.exec(select(AuditRow).where(AuditRow.noun == noun, col(AuditRow.noun_id).in_(ids)))


@pytest.mark.prove("states")
def test_only_what_is_declared_happens(tmp_path: Path, record_property):
    """Refused or done as the model says, with nothing changed by a refusal, and every step in the audit."""
    visited.clear()
    Lives.database = migrated(f"sqlite:///{tmp_path / 'lives.db'}")
    examples = sample("states", 20, 300)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    Lives.database.close()
    declared = {(m.noun, source, e.target) for m in MACHINES for e in m.edges for source in e.sources}
    record_property("ways", f"{len(visited)} of {len(declared)}")
    assert visited <= declared
