"""The plan of the house holds: imports run one way, rooms stand apart, the judge asks no solver, no address leaks."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
MAY_IMPORT = {
    "matcher": {"matcher"},
    "scenarios": {"scenarios", "matcher"},
    "benchmarks": {"benchmarks", "scenarios", "matcher"},
    "api": {"api", "scenarios", "matcher"},
}
WEB_AND_DATABASE = {"fastapi", "starlette", "uvicorn", "jinja2", "sqlmodel", "sqlalchemy", "alembic", "psycopg", "dbos"}
SOLVERS = {"ortools", "highspy", "pyvrp", "vroom", "scipy", "numba"}
HEAVY = WEB_AND_DATABASE | SOLVERS | {"pandas", "numpy", "geopy", "httpx", "matcher", "scenarios", "benchmarks"}
ROOMS = {
    "volunteers": (),
    "requests": (),
    "assignments": (),
    "plans": (),
    "people": (),
    "reports": (),
    "series": ("requests",),
    "jobs": ("plans", "series"),
    "console": ("assignments", "plans", "reports", "requests", "volunteers", "people"),
}
"""The rooms of the service stand on tables and not on each other, but who computes plans and who shows them."""

ONE_DOOR = "api.cli"  # the command line opens every room, each when it is asked for

# Module name -> source; a package goes by its own name, as in `import matcher`.
Sources = Mapping[str, str]


def house() -> dict[str, str]:
    files = (path for package in MAY_IMPORT for path in (HOUSE / package).rglob("*.py"))
    return {module_name(path.relative_to(HOUSE)): path.read_text() for path in files}


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str, sources: Sources) -> Iterator[str]:
    """The full name of everything a module imports, `package.name` for `from package import name`."""
    for node in ast.walk(ast.parse(sources[module])):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{origin(module, node, sources)}.{alias.name}" for alias in node.names)


def origin(module: str, node: ast.ImportFrom, sources: Sources) -> str:
    if not node.level:
        return node.module or ""
    is_package = any(other.startswith(f"{module}.") for other in sources)
    above = module.split(".")[: len(module.split(".")) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def root(name: str) -> str:
    return name.split(".")[0]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


# The checks: each yields one sentence for each fault.


def wrong_way(sources: Sources) -> Iterator[str]:
    """An import against the arrows api -> scenarios -> matcher, or of the web into the matcher."""
    for module in sources:
        if module == ONE_DOOR:
            continue
        for name in imports(module, sources):
            forbidden = MAY_IMPORT.keys() - MAY_IMPORT[root(module)]
            if root(module) == "matcher":
                forbidden |= WEB_AND_DATABASE
            if root(name) in forbidden:
                yield f"{module} imports {name}"


def judge_asks(sources: Sources, start: str = "matcher.judge") -> Iterator[str]:
    """An engine or a solver which the judge would reach, by way of any module it imports."""
    seen, waiting = {start}, [start]
    while waiting:
        module = waiting.pop()
        for name in imports(module, sources):
            if within(name, "matcher.engine") or root(name) in SOLVERS:
                yield f"{module} imports {name}"
            elif (target := defining(name, sources)) and target not in seen:
                seen.add(target)
                waiting.append(target)


def defining(name: str, sources: Sources) -> str | None:
    """The module of ours that an imported name comes from."""
    return next((candidate for candidate in (name, name.rpartition(".")[0]) if candidate in sources), None)


def past_the_door(sources: Sources) -> Iterator[str]:
    """The service takes from the matcher only what `matcher/__init__.py` exports."""
    exported = {f"matcher.{name}" for name in _exports(sources.get("matcher", ""))}
    for module in sources:
        if root(module) != "api" or module == ONE_DOOR:
            continue
        for name in imports(module, sources):
            # `judge` is a module and the function in it: what the front door exports is the function.
            if within(name, "matcher") and name not in exported and (name.count(".") != 1 or name in sources):
                yield f"{module} imports {name}"


def rooms_lean(sources: Sources) -> Iterator[str]:
    """A room of the service that stands on another one."""
    for module in sources:
        room = next((room for room in ROOMS if within(module, f"api.{room}")), None)
        others = ROOMS.keys() - {room, *ROOMS[room]} if room else ()
        for name in imports(module, sources):
            if any(within(name, f"api.{other}") for other in others):
                yield f"{module} imports {name}"


def _exports(source: str) -> list[str]:
    """What `__all__` lists."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return ast.literal_eval(node.value)
    return []


def heavy_at_the_door(sources: Sources) -> Iterator[str]:
    """A package that the command line would load before it knows the command."""
    tree = ast.parse(sources[ONE_DOOR])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]  # what stands in a function is imported when it is called
    for name in imports(ONE_DOOR, {**sources, ONE_DOOR: ast.unparse(tree)}):
        if root(name) in HEAVY:
            yield f"{ONE_DOOR} imports {name}"


LEAKS = re.compile(
    r"(?<![.\w])/(?:work|root|home)/"
    r"|--(?:find-links|(?:extra-)?index-url)\b|\bPIP_(?:EXTRA_)?INDEX_URL\b"
    r"|\bpypi\.org/simple|\bfiles\.pythonhosted\.org|\bregistry\.npmjs\.org|^deb +http"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.MULTILINE,
)


def leaks(text: str) -> list[str]:
    """Paths of a machine, addresses of a registry, keys: what no tracked file may hold."""
    return LEAKS.findall(text)


# The house as it stands.


@pytest.mark.parametrize("check", [wrong_way, past_the_door, rooms_lean])
def test_the_house_keeps_its_plan(check):
    assert list(check(house())) == []


def test_the_judge_asks_no_solver():
    sources = house()
    if "matcher.judge" not in sources:
        pytest.fail("matcher/judge.py is gone; this test must look elsewhere")
    assert list(judge_asks(sources)) == []


def test_the_command_line_opens_rooms_late():
    assert list(heavy_at_the_door(house())) == []


def test_starting_the_command_line_loads_nothing_heavy():
    """The same once more as it happens, so that a helper of `api.cli` cannot load it either."""
    code = f"import sys, {ONE_DOOR}; print(*sorted(set(sys.modules) & set({sorted(HEAVY)})))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_who_does_not_solve_loads_no_solver():
    """Web, worker and judge: a solve is a process of its own. Asked for, it comes through the same door."""
    code = "import sys, api.app, api.jobs.worker, matcher; print(*sys.modules); matcher.judge, matcher.solve"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    names = loaded.stdout.split()
    assert "api.jobs.worker" in names
    assert [name for name in names if root(name) in SOLVERS or within(name, "matcher.engine")] == []


def test_no_tracked_file_holds_an_address_or_a_path_of_a_machine():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    files = [HOUSE / name for name in listed.stdout.split("\0") if name and (HOUSE / name).is_file()]
    found = {path.name: leaks(path.read_text(errors="replace")) for path in files}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_the_locks_agree_and_everything_is_hashed():
    names = ("requirements", "requirements-dev", "requirements-bench")
    runtime, dev, bench = (pins((HOUSE / f"{name}.lock").read_text()) for name in names)
    assert runtime.items() <= dev.items()
    assert runtime.items() <= bench.items()
    assert {name: bench[name] for name in bench.keys() & dev.keys()}.items() <= dev.items()
    assert {"setuptools", "wheel"} <= runtime.keys()
    assert all(hashes for _, hashes in (*dev.values(), *bench.values()))


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Name -> its line and the number of its hashes."""
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)[1:]
    return {entry.split("==")[0]: (entry.splitlines()[0], entry.count("--hash=sha256:")) for entry in entries}


# Teeth: each check sees a fault planted for it.

SOUND = {
    "matcher": "from matcher.engine.solver import solve\nfrom matcher.judge import judge",
    "matcher.judge": "from matcher.cost import cost",
    "matcher.cost": "from .plan import Plan",
    "matcher.plan": "",
    "matcher.engine": "",
    "matcher.engine.solver": "import ortools\nfrom matcher.judge import judge",
    "scenarios": "from matcher import solve",
    "benchmarks": "import scenarios",
    "api": "",
    "api.plans": "from matcher import solve\nimport fastapi\nfrom . import cli",
    "api.cli": "import typer\ndef main():\n    from matcher.engine import solver\n    import benchmarks",
}


@pytest.mark.parametrize("check", [wrong_way, judge_asks, past_the_door, rooms_lean, heavy_at_the_door])
def test_a_sound_house_has_no_fault(check):
    assert list(check(SOUND)) == []


@pytest.mark.parametrize(
    ("check", "module", "source", "fault"),
    [
        (wrong_way, "matcher.plan", "import api", "api"),
        (wrong_way, "matcher.plan", "def f():\n    from scenarios.presets import load", "scenarios.presets.load"),
        (wrong_way, "matcher.plan", "from sqlmodel import Session", "sqlmodel.Session"),
        (wrong_way, "matcher.plan", "import fastapi.routing", "fastapi.routing"),
        (wrong_way, "scenarios", "from api.settings import Settings", "api.settings.Settings"),
        (wrong_way, "benchmarks", "import api.app", "api.app"),
        (wrong_way, "api.plans", "import benchmarks.scale", "benchmarks.scale"),
        (past_the_door, "api.plans", "from matcher.engine.solver import solve", "matcher.engine.solver.solve"),
        (past_the_door, "api.plans", "from matcher.judge import judge", "matcher.judge.judge"),
        (past_the_door, "api.plans", "from matcher import engine", "matcher.engine"),
        (past_the_door, "api.plans", "import matcher.engine", "matcher.engine"),
        (past_the_door, "api.plans", "import matcher", "matcher"),
        (rooms_lean, "api.plans", "from api.jobs import solving", "api.jobs.solving"),
        (rooms_lean, "api.requests", "from api.plans.load import load", "api.plans.load.load"),
        (judge_asks, "matcher.judge", "from matcher.engine.solver import solve", "matcher.engine.solver.solve"),
        (judge_asks, "matcher.judge", "from matcher import engine", "matcher.engine"),
        (judge_asks, "matcher.judge", "from ortools.sat.python import cp_model", "ortools.sat.python.cp_model"),
        (judge_asks, "matcher.plan", "def f():\n    from .engine import solver", "matcher.engine.solver"),
        (heavy_at_the_door, "api.cli", "import pandas", "pandas"),
        (heavy_at_the_door, "api.cli", "try:\n    from matcher import solve\nfinally:\n    pass", "matcher.solve"),
    ],
)
def test_a_planted_fault_is_seen(check, module, source, fault):
    assert list(check({**SOUND, module: source})) == [f"{module} imports {fault}"]


def test_the_judge_may_not_ask_by_way_of_the_front_door():
    """`from matcher import solve` in the judge reaches the engine through `matcher/__init__.py`."""
    faults = list(judge_asks({**SOUND, "matcher.judge": "from matcher import solve"}))
    assert faults == ["matcher imports matcher.engine.solver.solve"]


@pytest.mark.parametrize(
    "parts",
    [
        ("cd ", "/", "work", "/main"),
        ("'", "/", "root", "/.ssh'"),
        ("pip install --", "index-url x"),
        ("--", "find-links y"),
        ("https://pypi.", "org/simple"),
        ("-----BEGIN OPENSSH", " PRIVATE", " KEY-----"),
    ],
)
def test_a_planted_leak_is_seen(parts):
    assert leaks("".join(parts))


@pytest.mark.parametrize("innocent", ["src/work/hours.py", "the --no-emit-index-url option", "./home/page.html"])
def test_an_innocent_line_is_no_leak(innocent):
    assert leaks(innocent) == []
