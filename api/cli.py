"""The one command-line door. Each command loads what it needs when it is called, and nothing else."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from api.roles import Role

BORN = time.monotonic()

INTERRUPTED = 130
REPORT_SECONDS = 5.0

app = typer.Typer(
    name="diandan",
    help="点单: who serves whom, when, and why. 谁在何时为谁服务，为什么。",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

InstanceFile = Annotated[Path, typer.Argument(metavar="INSTANCE", help="what is to be planned")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="who is to serve what")]


class Engine(StrEnum):
    """Which way of solving is asked for by name."""

    SEARCH = "search"
    EXACT = "exact"


class Day(StrEnum):
    """What a day of the working calendar may be (`DayKind` of api/workdays.py)."""

    WORK = "work"
    REST = "rest"
    MORNING = "morning"
    AFTERNOON = "afternoon"


class State:
    """What the options before the command say."""

    lang = "en"
    debug = False


@app.callback()
def _options(
    lang: Annotated[str | None, typer.Option(help="zh or en; by default that of the locale")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="show where an error arose")] = False,
) -> None:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    State.lang = lang or ("zh" if locale.startswith("zh") else "en")
    if State.lang not in ("zh", "en"):
        raise typer.BadParameter(f"{lang!r} is not one of zh, en", param_hint="--lang")
    State.debug = debug


@app.command()
def solve(
    instance: InstanceFile,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PLAN", help="where the plan is written")],
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="how long to look for better plans")] = 30,
    gap: Annotated[float, typer.Option(min=0, max=1, help="stop when at most this far from the best")] = 0.005,
    seed: Annotated[int, typer.Option(min=0, max=10**6, help="same seed and steps, same plan")] = 1,
    steps: Annotated[int | None, typer.Option(min=0, help="stop after so many rounds of search")] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="by default one a core")] = None,
    engine: Annotated[Engine | None, typer.Option(help="by default chosen by the size of the instance")] = None,
    proof: Annotated[Path | None, typer.Option(metavar="FILE", help="where the proof of the bound is written")] = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--from", metavar="PLAN", help="start from an earlier plan, and the .proof.json beside it"),
    ] = None,
) -> None:
    """Plan an instance; Ctrl-C keeps the best plan so far. 求解。"""
    import matcher

    for file in [output] if proof is None else [output, proof]:
        with _blaming(file):
            _check_writable(file)
    with _blaming(instance):
        problem = matcher.read_instance(instance)
    _warn_of_skills(problem, instance)
    before, proven = None, None
    if earlier is not None:
        with _blaming(earlier):
            before = matcher.read_plan(earlier, problem)
        beside = earlier.with_suffix(".proof.json")
        if beside.exists():
            with _blaming(beside):
                proven = matcher.read_proof(beside, problem)
    line = _ProgressLine()
    spent = time.monotonic() - BORN
    proofs: list[matcher.Proof] = []
    plan = matcher.solve(
        problem, seconds, gap, seed, steps=steps, threads=threads, engine=engine, progress=line.tell,
        proof=None if proof is None else proofs.append, start=before, start_proof=proven, spent=spent,
    )  # fmt: skip
    line.end()
    with _blaming(output):
        matcher.write_plan(plan, problem, output)
    if proof is not None:
        with _blaming(proof):
            matcher.write_proof(proofs[-1], problem, proof)
    for pin in plan.broken_pins:
        _warn("pin_broken", output, {"value": pin.request, "other": pin.volunteer})
    _print_figures(plan.terms, plan.cost, plan.bound, plan.gap)
    print(_words(f"{len(plan.assignments)} 个席位已派，{len(plan.unserved)} 个请求未满足",
                 f"{len(plan.assignments)} seats filled, {len(plan.unserved)} requests unserved"))  # fmt: skip
    if plan.status == "interrupted":
        raise typer.Exit(INTERRUPTED)


@app.command()
def check(
    instance: InstanceFile,
    plan: PlanFile,
    proof: Annotated[Path | None, typer.Option(metavar="FILE", help="recompute the bound from this proof")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Judge a plan: cost by term, or each broken rule (exit 1). 检查。"""
    import matcher

    with _blaming(instance):
        problem = matcher.read_instance(instance)
    with _blaming(plan):
        answer = matcher.read_plan(plan, problem)
    verdict = matcher.judge(problem, answer)
    broken, proven = verdict.violations, None
    if proof is not None:
        with _blaming(proof):
            proven, unproven = matcher.judge_proof(problem, answer, matcher.read_proof(proof, problem))
        broken += unproven
    if as_json:
        print(json.dumps(_verdict(verdict, broken, answer.bound, proven), ensure_ascii=False, indent=2))
    elif verdict.holds:
        _print_figures(verdict.terms, verdict.cost, answer.bound, answer.gap)
    if not as_json:
        for violation in broken:
            print(f"{violation.rule}: {_words(violation.because_zh, violation.because)}")
        if proven is not None:
            print(_words(f"此证明给出的下界是 {proven}", f"the bound this proof proves is {proven}"))
    if broken:
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on (this machine only)")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port to listen on")] = None,
    next_port: Annotated[bool, typer.Option("--next-port", help="take the next free port if it is taken")] = False,
) -> None:
    """Run the service: web and worker together. 启动服务。"""
    from api import logs
    from api.people.commands import first_link
    from api.serving import house
    from api.settings import Settings

    settings = _settings(Settings, host, port)
    logs.set_up(settings.log)
    with house(settings, next_port) as address:
        address = settings.public_url or address
        print(f"点单 diandan: {address}", flush=True)
        if link := first_link(settings, address):
            told = _words(
                "还没有人能登录；第一位管理员请在 15 分钟内打开", "nobody can log in yet; first administrator"
            )
            print(f"{told}: {link}", flush=True)
        _wait()


@app.command("api")
def api_(
    host: Annotated[str | None, typer.Option(help="address to listen on (this machine only)")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port to listen on")] = None,
) -> None:
    """Run the web part alone; `diandan worker` runs elsewhere. 只启动网页。"""
    from api import logs
    from api.app import create_app
    from api.serving import answering, listening
    from api.settings import Settings

    settings = _settings(Settings, host, port)
    logs.set_up(settings.log)
    with listening(settings, False) as listener, answering(create_app(settings), listener):
        _wait()


@app.command()
def worker() -> None:
    """Run a worker alone: it takes jobs from the database. 只启动求解进程。"""
    from api import logs
    from api.jobs.worker import run
    from api.settings import Settings

    settings = Settings()
    logs.set_up(settings.log)
    raise typer.Exit(run(settings))


admin = typer.Typer(help="Users, backups, the audit, the health of the house. 管理。", no_args_is_help=True)
app.add_typer(admin, name="admin")

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="the backup")]


@admin.command()
def backup(file: BackupFile) -> None:
    """Keep the whole database in one file, while the service runs. 备份。"""
    from api.admin import write_backup
    from api.settings import Settings

    with _blaming(file):
        _check_writable(file)
    _print_manifest(write_backup(Settings(), file))


@admin.command()
def restore(
    file: BackupFile,
    force: Annotated[bool, typer.Option("--force", help="replace a database that has rows")] = False,
) -> None:
    """Put a backup in the place of the database, while no service runs. 恢复。"""
    from api.admin import restore_backup
    from api.settings import Settings

    _print_manifest(restore_backup(Settings(), file, force))


@admin.command("verify-audit")
def verify_audit() -> None:
    """Look at every row of the audit: exit 1 where its chain breaks. 核对审计。"""
    from api.admin import verify_audit
    from api.settings import Settings

    rows = verify_audit(Settings())
    print(_words(f"审计完整：{rows} 条", f"the audit is whole: {rows} rows"))


@admin.command()
def doctor() -> None:
    """Look the house over: exit 1 when anything is wrong, with its mend. 体检。"""
    from api.admin import examine
    from api.messages import line
    from api.settings import Settings

    troubles = 0
    for check in examine(Settings()):
        trouble = check.trouble
        troubles += trouble is not None
        told = line(trouble.code, State.lang, {"value": trouble.value, **trouble.params}) if trouble else check.found
        print(f"{'✗' if trouble else '✓'} {_words(check.zh, check.en)}: {told}", flush=True)
    if troubles:
        raise typer.Exit(1)


def _print_manifest(manifest: Any) -> None:
    rows = sum(manifest.rows.values())
    print(_words(f"{rows} 行，结构 {manifest.schema}", f"{rows} rows, schema {manifest.schema}"))
    if manifest.audit:
        end = f"{manifest.audit['seq']} {manifest.audit['hash']}"
        print(_words(f"审计末端 {end}", f"audit head {end}"))


@admin.command("user")
def admin_user(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the name to log in with")],
    role: Annotated[list[Role], typer.Option(help="what they are here for; may be given more than once")],
    territory: Annotated[int | None, typer.Option(min=1, help="id of their part; by default everywhere")] = None,
) -> None:
    """Add a user, and print the link with which they set a password. 新建用户。"""
    from api.people.commands import add_user
    from api.settings import Settings

    print(add_user(Settings(), name, role, territory))


@admin.command("link")
def admin_link(name: Annotated[str, typer.Argument(metavar="USER", help="the name they log in with")]) -> None:
    """Print a link, good once and for 15 minutes, with which a user sets a password. 设置密码的链接。"""
    from api.people.commands import link_for
    from api.settings import Settings

    print(link_for(Settings(), name))


@admin.command("calendar")
def admin_calendar(
    which: Annotated[str | None, typer.Argument(metavar="YEAR|DAY", help="a year to fill, or a day to edit")] = None,
    kind: Annotated[Day | None, typer.Argument(help="what that day is")] = None,
    note: Annotated[str | None, typer.Option(help="why it is so")] = None,
) -> None:
    """List the days that are not as their weekday says; take in a year's holidays; edit a day. 工作日历。"""
    from api import admin
    from api.settings import Settings
    from api.workdays import DayKind

    if which is None:
        days = admin.calendar(Settings())
    elif kind is not None:
        days = [admin.edit_day(Settings(), which, DayKind(kind), note)]
    elif which.isascii() and which.isdecimal():
        taken = admin.fill_calendar(Settings(), int(which))
        print(_words(f"{which} 年录入 {taken} 天", f"{taken} days of {which} taken in"))
        return
    else:
        raise typer.BadParameter(f"what is {which} to be? {', '.join(Day)}", param_hint="KIND")
    for day in days:
        print(f"{day.day} {day.kind} {day.note or ''}".rstrip())
    if not days:
        print(_words("日历是空的：周一至周五为工作日", "the calendar is empty: Monday to Friday are working days"))


def main() -> NoReturn:
    """Run a command; every end has its exit code, and no end shows a traceback unasked."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever called us: >&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  for as long as we live
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # nobody reads on; the second is how the library says it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        code = _told(error)
    sys.exit(code)


def _told(error: Exception) -> int:
    """One line about what went wrong, and its exit code."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):  # a usage error of the command line's own
        error.show()
        return int(error.exit_code)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if State.debug:
        raise error
    code = getattr(error, "code", "internal")
    params = {"value": getattr(error, "value", None), **getattr(error, "params", {})}
    where = [getattr(error, "file", ""), getattr(error, "path", "")]
    _line(code if isinstance(code, str) else "internal", where, params)
    if code == "loopback_only":
        return 2
    if not isinstance(code, str) or code == "internal":
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return 1
    return int(getattr(error, "exit_code", 3))


def _line(code: str, where: list[Any], params: Mapping[str, Any]) -> None:
    """`[code] file: path: sentence; mend` on standard error."""
    from api.messages import line

    place = "".join(f"{part}: " for part in where if part)
    print(line(code, State.lang, params, place), file=sys.stderr)


def _warn(code: str, file: Path, params: Mapping[str, Any]) -> None:
    _line(code, [file], params)


@contextlib.contextmanager
def _blaming(file: Path) -> Iterator[None]:
    """An error in here is one of this file."""
    try:
        yield
    except ValueError as error:
        error.file = file  # type: ignore[attr-defined]
        raise


def _check_writable(output: Path) -> None:
    """Better said before the work than after it."""
    import matcher

    if output.is_dir():
        raise matcher.InvalidInput("file_directory", "", str(output))
    if not os.access(output.parent, os.W_OK):
        raise matcher.InvalidInput("file_unwritable", "", str(output.parent))


def _warn_of_skills(problem: Any, file: Path) -> None:
    """A skill that nobody has is likely a slip of the pen."""
    known = {skill for volunteer in problem.volunteers for skill in volunteer.skills}
    wanted = {skill: request.id for request in problem.requests for seat in request.seats for skill in seat.skills}
    for skill, request in sorted(wanted.items()):
        if skill not in known:
            _warn("skill_unknown", file, {"value": skill, "other": request})


class _ProgressLine:
    """One line on standard error: rewritten on a terminal, now and then a new one elsewhere."""

    def __init__(self) -> None:
        self.next, self.live = 0.0, sys.stderr.isatty()

    def tell(self, progress: Any) -> None:
        if not self.live and progress.seconds < self.next:
            return
        self.next = progress.seconds + REPORT_SECONDS
        p = progress
        line = (
            f"{p.seconds:6.1f} s  cost {p.cost:,}  bound {p.bound:,}  gap {p.gap:.1%}  served {p.served}/{p.requests}"
        )
        print(f"\r{line}\x1b[K" if self.live else line, end="" if self.live else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.live:
            print(file=sys.stderr)


def _print_figures(terms: Mapping[str, int], cost: int, bound: int | None, gap: float | None) -> None:
    for name, points in terms.items():
        print(f"{name:<12}{points:>12,}")
    shown = "-" if bound is None else f"{bound:,}"
    print(f"{'cost':<12}{cost:>12,}\n{'bound':<12}{shown:>12}\n{'gap':<12}{'-' if gap is None else f'{gap:.2%}':>12}")


def _verdict(verdict: Any, broken: Sequence[Any], bound: int | None, proven: int | None) -> dict[str, Any]:
    violations = [
        {"rule": v.rule, "who": list(v.who), "because": {"zh": v.because_zh, "en": v.because}} for v in broken
    ]
    figures = {"terms": verdict.terms, "cost": verdict.cost, "settled": verdict.settled, "bound": bound}
    proof = {} if proven is None else {"proven": proven}
    return {"holds": not broken, "violations": violations, **figures, **proof}


def _settings(settings: Any, host: str | None, port: int | None) -> Any:
    given = {"host": host, "port": port}
    return settings(**{name: value for name, value in given.items() if value is not None})


def _wait() -> None:
    """Until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _words(zh: str, en: str) -> str:
    return zh if State.lang == "zh" else en


if __name__ == "__main__":
    main()
