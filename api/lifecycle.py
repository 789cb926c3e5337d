"""The lives of a request and of a seat, as data (LIFECYCLE.md, 1): what may follow what, who may bring it about, which
clocks start and stop. `transitions.py` lets nothing else happen; `python -m api.lifecycle` draws docs/lifecycle.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from api.models.plans import AssignmentState as Seat
from api.models.requests import RequestState as Life

CHART = Path(__file__).parent.parent / "docs" / "lifecycle.md"


class Who(StrEnum):
    """Who brings something about. `house`: it follows from something else, or a clock ran out."""

    RESIDENT = "resident"
    CLERK = "clerk"
    DISPATCHER = "dispatcher"
    VOLUNTEER = "volunteer"
    OVERSIGHT = "oversight"
    HOUSE = "house"


@dataclass(frozen=True, slots=True)
class Edge:
    """One thing that may happen: from which states, to which, by whom, on what condition, and what clocks do."""

    event: str
    sources: tuple[str | None, ...]
    target: str
    who: tuple[Who, ...]
    guard: str = ""
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    pauses: bool = False
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """All that may happen to one noun; events are unique by (event, source)."""

    noun: str
    states: Mapping[str, str]
    edges: tuple[Edge, ...]

    def edge(self, event: str, state: str | None) -> Edge | None:
        """What this event does in that state; None where it may not happen."""
        return next((e for e in self.edges if e.event == event and state in e.sources), None)

    def possible(self, state: str | None) -> list[str]:
        """The events of a state that people bring about, in the order of the declaration."""
        by_people = (e for e in self.edges if state in e.sources and e.who != (Who.HOUSE,))
        return list(dict.fromkeys(e.event for e in by_people))


DESK = (Who.DISPATCHER,)
SELF = (Who.VOLUNTEER, Who.DISPATCHER)

RUNNING = (Life.SUBMITTED, Life.TRIAGED, Life.DISPATCHED, Life.CONFIRMED, Life.IN_SERVICE, Life.CALLBACK)
"""From these a request may wait."""

COMES_BACK_TO = {Life.DISPATCHED: Life.TRIAGED, Life.CONFIRMED: Life.TRIAGED}
"""Where it goes on when that is not where it was: its seats were let go meanwhile."""

CANCELLABLE = (Life.SUBMITTED, Life.TRIAGED, Life.DISPATCHED, Life.CONFIRMED, Life.IN_SERVICE, Life.WAITING)
"""Nobody has been served yet."""

REQUEST = Machine(
    "request",
    {
        Life.SUBMITTED: "待受理",
        Life.TRIAGED: "已受理·待派单",
        Life.DISPATCHED: "已派单·待接单",
        Life.CONFIRMED: "已接单",
        Life.IN_SERVICE: "服务中",
        Life.WAITING: "挂起",
        Life.SERVED: "待评单",
        Life.CALLBACK: "待回访",
        Life.CLOSED: "已办结",
    },
    (
        Edge("submit", (None,), Life.SUBMITTED, (Who.RESIDENT, Who.CLERK, Who.DISPATCHER), starts=("T1", "T2")),
        Edge("enter", (None,), Life.TRIAGED, (Who.CLERK, Who.DISPATCHER, Who.HOUSE), "classified", starts=("T3", "T5")),
        Edge(
            "triage", (Life.SUBMITTED,), Life.TRIAGED, (Who.DISPATCHER, Who.HOUSE), "classified",
            starts=("T3", "T5"), stops=("T1", "T2"),
        ),
        *(
            Edge("amend", (state,), state, (Who.CLERK, Who.DISPATCHER), "who was asked for something else is let go")
            for state in (Life.SUBMITTED, Life.TRIAGED)
        ),
        Edge(
            "answer", (Life.SUBMITTED,), Life.CLOSED, (Who.CLERK, Who.DISPATCHER), "an answer",
            starts=("T7",), stops=("T1", "T2"),
        ),
        Edge("reject", (Life.SUBMITTED,), Life.CLOSED, DESK, "a reason, and the next owner", stops=("T1", "T2")),
        Edge(
            "merge", (Life.SUBMITTED, Life.TRIAGED), Life.CLOSED, DESK, "one of the same kind that is open",
            stops=("T1", "T2", "T3", "T5"),
        ),
        Edge("dispatch", (Life.TRIAGED,), Life.DISPATCHED, (Who.DISPATCHER, Who.HOUSE), "no hard rule broken"),
        Edge("confirm", (Life.DISPATCHED,), Life.CONFIRMED, (Who.HOUSE,), "every needed seat accepted", stops=("T3",)),
        Edge("fall_back", (Life.DISPATCHED,), Life.TRIAGED, (Who.HOUSE,), "a needed seat has nobody"),
        Edge(
            "redispatch", (Life.CONFIRMED,), Life.DISPATCHED, (Who.HOUSE,), "a plan gives a seat to somebody else",
            starts=("T3",),
        ),
        Edge("begin", (Life.CONFIRMED,), Life.IN_SERVICE, (Who.HOUSE,), "somebody has checked in"),
        Edge(
            "repair", (Life.CONFIRMED, Life.IN_SERVICE), Life.TRIAGED, (Who.HOUSE,), "a needed seat has nobody",
            starts=("T3",),
        ),
        Edge(
            "wait", RUNNING, Life.WAITING, DESK,
            "a reason; within 30 days, then it comes back; T8 runs for a department", pauses=True,
        ),
        *(
            Edge(
                "resume", (Life.WAITING,), state, (Who.DISPATCHER, Who.HOUSE), "it came from there",
                starts=("T3",) if state == Life.TRIAGED else (), resumes=True,
            )
            for state in RUNNING
            if state not in COMES_BACK_TO
        ),
        Edge(
            "serve", (Life.IN_SERVICE,), Life.SERVED, (Who.HOUSE,), "every seat done",
            starts=("T6",), stops=("T3", "T5"),
        ),
        Edge("rate", (Life.SERVED,), Life.CALLBACK, (Who.RESIDENT, Who.CLERK), "stars", starts=("T7",), stops=("T6",)),
        Edge("lapse", (Life.SERVED,), Life.CALLBACK, (Who.HOUSE,), "T6 has run out", starts=("T7",), stops=("T6",)),
        Edge(
            "call_back", (Life.CALLBACK,), Life.CLOSED, (Who.CLERK,), "neither handler nor volunteer",
            starts=("T9",), stops=("T7",),
        ),
        Edge(
            "reopen", (Life.CALLBACK, Life.CLOSED), Life.TRIAGED, (Who.RESIDENT, Who.CLERK, Who.OVERSIGHT),
            "it was done, and T9 is not over", starts=("T3", "T5"), stops=("T7", "T9"),
        ),
        Edge(
            "cancel", CANCELLABLE, Life.CLOSED,
            (Who.RESIDENT, Who.CLERK, Who.DISPATCHER), "residents before service begins; nobody has been served",
            stops=("T1", "T2", "T3", "T5", "T8", "until"),
        ),
    ),
)  # fmt: skip

SEAT = Machine(
    "assignment",
    {
        Seat.PROPOSED: "拟派",
        Seat.OFFERED: "待接单",
        Seat.ACCEPTED: "已接单",
        Seat.CHECKED_IN: "已签到",
        Seat.DONE: "已完成",
        Seat.DECLINED: "拒单",
        Seat.EXPIRED: "超时未接",
        Seat.WITHDRAWN: "退单",
        Seat.RELEASED: "释放",
    },
    (
        Edge("propose", (None,), Seat.PROPOSED, (Who.HOUSE,), "with its plan, whose row in the audit stands for it"),
        Edge("assign", (None,), Seat.OFFERED, DESK, "no hard rule broken", starts=("T4",)),
        Edge("offer", (Seat.PROPOSED,), Seat.OFFERED, DESK, "the plan is published", starts=("T4",)),
        Edge("accept", (Seat.OFFERED,), Seat.ACCEPTED, SELF, stops=("T4",)),
        Edge("decline", (Seat.OFFERED,), Seat.DECLINED, SELF, stops=("T4",)),
        Edge("expire", (Seat.OFFERED,), Seat.EXPIRED, (Who.HOUSE,), "T4 has run out", stops=("T4",)),
        Edge("withdraw", (Seat.ACCEPTED, Seat.CHECKED_IN), Seat.WITHDRAWN, SELF, "a reason"),
        Edge("check_in", (Seat.ACCEPTED,), Seat.CHECKED_IN, SELF, "the resident's code, or by phone; at the time"),
        Edge("finish", (Seat.CHECKED_IN,), Seat.DONE, SELF, "minutes"),
        Edge(
            "release", (Seat.OFFERED, Seat.ACCEPTED), Seat.RELEASED,
            (Who.CLERK, Who.DISPATCHER, Who.HOUSE), stops=("T4",),
        ),
        Edge("restore", (Seat.RELEASED,), Seat.OFFERED, DESK, "what took its place is undone", starts=("T4",)),
    ),
)  # fmt: skip

MACHINES = (REQUEST, SEAT)

ZH: Mapping[str, str] = {
    **{"request": "请求", "assignment": "席位", "plan": "方案"},
    **{
        "submit": "提交",
        "enter": "登记",
        "triage": "受理",
        "amend": "修改",
        "answer": "直接答复",
        "reject": "不予受理",
    },
    **{"merge": "合并", "assign": "指派", "wait": "挂起", "resume": "恢复", "serve": "写明结果", "rate": "评单"},
    **{"call_back": "回访", "reopen": "重开", "cancel": "取消", "erase": "抹去个人信息", "dispatch": "派单"},
    **{"offer": "派出", "accept": "接单", "decline": "拒单", "withdraw": "退单", "check_in": "签到", "finish": "完成"},
    **{"release": "释放", "restore": "恢复", "publish": "发布"},
    **{"queued": "排队中", "solving": "求解中", "published": "已发布", "superseded": "已被替代", "failed": "求解失败"},
    **{"proposed": "拟定", "cancelled": "已取消"},
}
"""What nouns, events that people bring about, and the states of plans are called in Chinese."""

UNMET_AFTER = 3
"""So often the seats of a request are offered; when nobody has come of that, it shows as unmet."""

LACKING = (Life.SUBMITTED, Life.TRIAGED, Life.DISPATCHED, Life.WAITING)
"""In these nobody has promised to come."""


def is_unmet(state: str, waves: int, windows_end: Iterable[datetime], at: datetime) -> bool:
    """暂未满足, which no state says: offered often enough with nobody, or all the times it could be served are past."""
    in_vain = state == Life.TRIAGED and waves >= UNMET_AFTER
    return in_vain or (state in LACKING and max(windows_end, default=at) < at)


def chart(machines: Sequence[Machine] = MACHINES) -> str:
    """The page docs/lifecycle.md: a picture and a table of each machine."""
    lines = ["# 生命周期 Lifecycle", ""]
    lines += [
        "<!-- drawn by `python -m api.lifecycle` from api/lifecycle.py -->",
        "",
    ]
    for machine in machines:
        lines += [f"## {machine.noun}", "", *_picture(machine), "", *_table(machine), ""]
    return "\n".join(lines)


def _picture(machine: Machine) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state, zh in machine.states.items():
        yield f"    {state} : {zh} {state}"
    arrows: dict[tuple[str, str], list[str]] = {}
    for edge in machine.edges:
        for source in edge.sources:
            arrows.setdefault((source or "[*]", edge.target), []).append(edge.event)
    for (source, target), events in arrows.items():
        yield f"    {source} --> {target} : {', '.join(events)}"
    yield "```"


def _table(machine: Machine) -> Iterator[str]:
    yield "| event | from | to | who | guard | clocks |"
    yield "|---|---|---|---|---|---|"
    for e in machine.edges:
        clocks = [f"+{name}" for name in e.starts] + [f"-{name}" for name in e.stops]
        clocks += ["all pause"] * e.pauses + ["all go on"] * e.resumes
        sources = ", ".join(source or "(new)" for source in e.sources)
        yield f"| {e.event} | {sources} | {e.target} | {', '.join(e.who)} | {e.guard} | {' '.join(clocks)} |"


if __name__ == "__main__":
    CHART.write_text(chart(), encoding="utf-8")
