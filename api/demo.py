"""`python -m api.demo`: a district's day, from the roster to the plan in force, on this machine, for tomorrow."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlmodel import Session, select

from api import locks
from api.db import Database
from api.errors import ApiError
from api.messages import LANGUAGES, line
from api.models import UserRow
from api.models.people import GrantShape, TerritoryCreate, UserCreate
from api.models.volunteers import VolunteerCreate
from api.people import territories, users
from api.people.entry import begin
from api.roles import Role
from api.security import COOKIE, HOUSE, Actor, actor_of
from api.serving import LockedBy, house
from api.settings import Settings
from api.volunteers import service as volunteers
from matcher import Instance, instance_document
from scenarios import PRESETS, preset

FOLDER = Path("var/demo")
PRESET = "lianhu-day"
SEED = 1
ZONE = ZoneInfo("Asia/Shanghai")
DISTRICT = "莲湖区"
USER = "demo"
LIFE = timedelta(hours=12)
MADE = 2
"""Raised when a demo of a former program would not do any more."""

WHOLE = "whole.json"
"""Written last: a demo without it was ended half-way, and begins again from nothing."""

console = Console(highlight=False)


def main() -> int:
    """Make or find the demo, show it, and serve it until Ctrl-C."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = Settings(database_url=f"sqlite:///{FOLDER / 'demo.db'}", port=asked.port, executor_id="demo")
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(settings):
            whole = _found()
            if whole is None:
                _clear()
            with house(settings, next_port=True) as address:
                console.print(f"服务已启动 / serving at [bold]{address}[/]")
                staff = _staff(settings, address)
                with httpx.Client(base_url=address, timeout=60, headers=staff.headers) as client:
                    plan = client.get(whole["plan"]).json() if whole else _made(client, settings, staff, asked.seconds)
                _show(plan, staff.link)
                if not asked.once:
                    console.print("\nCtrl-C 结束 / ends it")
                    signal.pause()
    except ApiError as error:
        for lang in LANGUAGES:
            print(line(error.code, lang, {"value": error.value, **error.params}), file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 0 if not asked.once else 130
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="look once and leave")
    parser.add_argument("--seconds", type=int, default=20, help="how long to look for a better plan")
    parser.add_argument("--port", type=int, default=8000, help="the first port to try")
    return parser.parse_args()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Nobody else runs this demo, and nobody clears it away under our feet."""
    try:
        with locks.held(Database(settings.database_url), "demo", patience=3):
            yield
    except locks.Taken as taken:
        raise LockedBy("", taken.by) from None


def _found() -> dict[str, Any] | None:
    """The demo of a former run, if it came to its end and its day has not passed."""
    try:
        whole: dict[str, Any] = json.loads((FOLDER / WHOLE).read_text())
    except (OSError, ValueError):
        return None
    return whole if date.fromisoformat(whole["day"]) > _today() and whole.get("made") == MADE else None


def _clear() -> None:
    for path in FOLDER.iterdir():
        if not path.name.endswith(".demo.lock"):
            path.unlink()


def _today() -> date:
    return datetime.now(ZONE).date()


@dataclass(frozen=True)
class Staff:
    """The dispatcher of the demo's district: on whose behalf it is made, and the link that opens it as them."""

    actor: Actor
    headers: Mapping[str, str]
    link: str


def _staff(settings: Settings, address: str) -> Staff:
    database, now = Database(settings.database_url), datetime.now(ZONE)
    with database.writing() as session:
        user = session.exec(select(UserRow).where(UserRow.name == USER)).first() or _new_user(session, now)
        entered = begin(session, user.id, now)
        link = users.link(session, user, address, now, "house", LIFE, lets_in=True)
        actor = actor_of(session, user)
    database.close()
    return Staff(actor, {"Cookie": f"{COOKIE}={entered.token}", "Origin": address}, link.link)


def _new_user(session: Session, now: datetime) -> UserRow:
    district = territories.create(session, TerritoryCreate(name=DISTRICT), HOUSE, now)
    dispatcher = GrantShape(role=Role.DISPATCHER, territory_id=district.id)
    users.create(session, UserCreate(name=USER, label="演示", grants=[dispatcher]), HOUSE, now)
    return users.named(session, USER)


def _made(client: httpx.Client, settings: Settings, staff: Staff, seconds: int) -> dict[str, Any]:
    """Roster, requests, plan, publication; the plan as published."""
    day = _today() + timedelta(days=1)
    instance = preset(PRESET, SEED, day=day)
    console.print(
        f"预设 / preset [bold]{PRESET}[/]: {len(instance.volunteers)} 名志愿者 / volunteers, "
        f"{len(instance.requests)} 个请求 / requests\n"
        f"报道的日子 {PRESETS[PRESET].day} 移到明天 [bold]{day}[/] / the reported day, moved to tomorrow"
    )
    document = instance_document(instance)
    people = _enter_roster(settings, staff.actor, document["volunteers"])
    _ask(client, document["requests"], people)
    plan = _plan(client, instance, seconds)
    _keep(client, plan, day)
    return plan


def _enter_roster(settings: Settings, by: Actor, entries: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The roster, all or none; each volunteer's id by the preset's."""
    asked = [VolunteerCreate.model_validate({**_without(entry, "id"), "code": entry["id"]}) for entry in entries]
    database = Database(settings.database_url)
    with console.status("登记名册 / entering the roster"), database.writing() as session:
        rows = volunteers.enter_all(session, asked, datetime.now(ZONE), by)
        known = {row.code: row.id for row in rows}
    database.close()
    return known


def _ask(client: httpx.Client, entries: Sequence[dict[str, Any]], people: Mapping[str, int]) -> None:
    """Each request through the front door, as an office would put it in."""
    for entry in track(entries, "经 HTTP 登记请求 / requests over HTTP", console=console):
        named = {key: [people[id] for id in entry[key]] for key in ("partners", "forbidden") if key in entry}
        if "affinity" in entry:
            named["affinity"] = {str(people[id]): points for id, points in entry["affinity"].items()}
        _post(client, "/v1/requests", {**_without(entry, "id"), "code": entry["id"], **named})


def _plan(client: httpx.Client, instance: Instance, seconds: int) -> dict[str, Any]:
    """Ask for a plan, watch it being made, and put it in force."""
    period = {"from": instance.moment(0).isoformat(), "to": instance.moment(instance.horizon_end).isoformat()}
    where = _post(client, "/v1/plans", {**period, "seconds": seconds, "seed": SEED}).headers["Location"]
    with console.status("求解 / solving") as status:
        while (answer := client.get(where)).json()["state"] in ("queued", "solving"):
            p = answer.json()["progress"]
            if p:
                status.update(
                    f"求解 / solving: {p['seconds']:.0f} s, cost {p['cost']:,}, bound {p['bound']:,}, "
                    f"gap {p['gap']:.1%}, served {p['served']}/{p['requests']}"
                )
            time.sleep(0.5)
    if answer.json()["state"] != "proposed":
        cause = answer.json()["cause"]
        raise SystemExit(f"[{cause['code']}] {cause['zh']} / {cause['en']}")
    return _post(client, f"{where}/publish", {}, {"If-Match": answer.headers["ETag"]}).json()  # type: ignore[no-any-return]


def _post(client: httpx.Client, path: str, body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> httpx.Response:
    key = f"demo{path.replace('/', '-')}-{body.get('code', SEED)}"
    answer = client.post(path, json=body, headers={"Idempotency-Key": key, **headers})
    if answer.is_error:
        raise SystemExit(f"{path}: {answer.text}")
    return answer


def _keep(client: httpx.Client, plan: Mapping[str, Any], day: date) -> None:
    """The files, for `diandan check` and `diandan solve`; then the mark that the demo is whole."""
    where = f"/v1/plans/{plan['id']}"
    (FOLDER / "instance.json").write_bytes(client.get(f"{where}/instance").content)
    (FOLDER / "plan.json").write_bytes(client.get(f"{where}/file").content)
    half = FOLDER / f"{WHOLE}.half"
    half.write_text(json.dumps({"day": day.isoformat(), "plan": where, "made": MADE}))
    half.rename(FOLDER / WHOLE)


def _without(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def _show(plan: Mapping[str, Any], link: str) -> None:
    """What the plan does, what it costs, and why."""
    console.rule(f"[bold]计划日 / day of the plan: {_local(plan['from']):%Y-%m-%d}[/]")
    _show_served(plan)
    _show_cost(plan)
    _show_assignments(plan)
    _show_unserved(plan)
    console.print("\n今日方案，以该区派单员的身份打开 / the plan, opened as a dispatcher of the district:")
    console.print(f"[bold]{link}[/]", soft_wrap=True)
    for seat in plan["assignments"][:1]:
        console.print(f"其后 / and then, 一名志愿者的日程 / one volunteer's schedule: [bold]/v/{seat['volunteer']}[/]")
    console.print(f"文件 / files: {FOLDER / 'instance.json'}, {FOLDER / 'plan.json'}")


def _show_served(plan: Mapping[str, Any]) -> None:
    table = Table("优先级 / priority", "已满足 / served", "请求 / requests", title="满足情况 / served")
    for row in plan["served"]:
        table.add_row(row["priority"], str(row["served"]), str(row["requests"]))
    console.print(table)


def _show_cost(plan: Mapping[str, Any]) -> None:
    table = Table("成本项 / term", "分 / points", title="成本 / cost")
    for name, points in plan["terms"].items():
        table.add_row(name, f"{points:,}")
    table.add_row("[bold]合计 / sum[/]", f"[bold]{plan['cost']:,}[/]")
    table.add_row("下界 / bound", "-" if plan["bound"] is None else f"{plan['bound']:,}")
    table.add_row("差距 / gap", "-" if plan["gap"] is None else f"{plan['gap']:.2%}")
    console.print(table)


def _show_assignments(plan: Mapping[str, Any]) -> None:
    """Ten seats over the day, each with its reason."""
    console.rule(f"十个席位（共 {len(plan['assignments'])}）/ ten seats of {len(plan['assignments'])}")
    step = max(1, len(plan["assignments"]) // 10)
    for seat in plan["assignments"][::step][:10]:
        period = f"{_local(seat['start']):%H:%M}–{_local(seat['end']):%H:%M}"
        _say(f"[bold]{period}[/]  {seat['request_label']}  ←  {seat['volunteer_label']}", seat["reasons"])


def _show_unserved(plan: Mapping[str, Any]) -> None:
    console.rule(f"未满足 / unserved: {len(plan['unserved'])}")
    for one in plan["unserved"]:
        _say(f"[bold]{one['priority']}[/]  {one['request_label']}", one["reasons"])


def _say(headline: str, reasons: Sequence[Mapping[str, str]]) -> None:
    console.print(headline, soft_wrap=True)
    for reason in reasons:
        console.print(f"    {reason['zh']}\n    [dim]{reason['en']}[/]", soft_wrap=True)


def _local(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(ZONE)


if __name__ == "__main__":
    sys.exit(main())
