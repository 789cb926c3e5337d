"""PROMISES.md, table "Command line": exit codes, one line on standard error, no traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from matcher import read_plan, write_instance
from scenarios import generate, preset
from tests.builders import instance, request, volunteer

DIANDAN = [sys.executable, "-m", "api.cli"]


def diandan(*words: object, **more) -> subprocess.CompletedProcess:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"} | more.pop("env", {})
    return subprocess.run([*DIANDAN, *map(str, words)], capture_output=True, text=True, env=environment, **more)


@pytest.fixture(scope="module")
def team(tmp_path_factory) -> Path:
    """The preset of eight teams, as a file."""
    file = tmp_path_factory.mktemp("files") / "instance.json"
    write_instance(preset("yaoshun-team6"), file)
    return file


@pytest.fixture(scope="module")
def planned(team) -> Path:
    plan = team.parent / "plan.json"
    done = diandan("solve", team, "-o", plan, "--seconds", 60, "--steps", 3)
    assert done.returncode == 0, done.stderr
    return plan


def test_solve_and_check(team, planned):
    checked = diandan("check", team, planned)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("unserved")
    told = json.loads(diandan("check", team, planned, "--json").stdout)
    assert told["holds"] and told["cost"] == sum(told["terms"].values())


def test_a_proof_is_recomputed(tmp_path):
    """One visit costs 400; a price of 400 proves it, and one point more is exit 1 with what is really proven."""
    day = instance([volunteer("ada")], [request("R", "09:00-10:00")])
    write_instance(day, tmp_path / "day.json")
    solved = diandan("solve", tmp_path / "day.json", "-o", tmp_path / "plan.json", "--engine", "exact", "--threads", 1)
    assert solved.returncode == 0, solved.stderr
    price = {"request": "R", "seat": 0, "from": "2026-03-02T09:00+08:00", "to": "2026-03-02T10:00+08:00"}
    tree = {"request": "R", "split": "served", "no": {"prices": []}, "yes": {"prices": [{**price, "points": 400}]}}
    proof = {"format": "diandan-proof/1", "instance": day.name, "bound": 400, "tree": tree}
    files = (tmp_path / "day.json", tmp_path / "plan.json", "--proof", tmp_path / "proof.json")
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    checked = diandan("check", *files)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.endswith("the bound this proof proves is 400\n")
    for change in ({"bound": 401}, {"instance": "another"}, {"tree": {k: v for k, v in tree.items() if k != "no"}}):
        (tmp_path / "proof.json").write_text(json.dumps({**proof, **change}))
        checked = diandan("check", *files)
        assert checked.returncode == 1 and "proof: " in checked.stdout
    told = json.loads(diandan("check", *files, "--json").stdout)
    assert not told["holds"] and told["proven"] == 400
    (tmp_path / "proof.json").write_text(json.dumps({**proof, "tree": {**tree, "nay": 1}}))
    assert diandan("check", *files).returncode == 3


def test_ctrl_c_ends_the_exact_model_too(tmp_path):
    """12 x 100 takes the model long; Ctrl-C is heard, the plan written, exit 130."""
    write_instance(generate(12, 100, seed=1, team_share=0.5), tmp_path / "day.json")
    words = ["solve", tmp_path / "day.json", "-o", tmp_path / "plan.json", "--seconds", "300", "--engine", "exact"]
    running = subprocess.Popen([*DIANDAN, *map(str, words)], stderr=subprocess.PIPE)
    assert running.stderr.read(1)  # the first progress line: planning has begun
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    running.stderr.close()
    assert running.wait(timeout=30) in (0, 130)  # 0 where a fast machine had proven it before
    assert diandan("check", tmp_path / "day.json", tmp_path / "plan.json").returncode == 0


def test_a_broken_rule_is_exit_1(team, planned, tmp_path):
    plan = json.loads(planned.read_text())
    plan["cost"] += 1
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    checked = diandan("check", team, tmp_path / "plan.json")
    assert checked.returncode == 1 and checked.stdout.startswith("figures: ")
    assert diandan("check", team, tmp_path / "plan.json", "--json").returncode == 1


def test_the_same_seed_and_steps_make_the_same_plan(team, planned, tmp_path):
    diandan("solve", team, "-o", tmp_path / "again.json", "--seconds", 60, "--steps", 3)
    one, other = (json.loads(path.read_text()) for path in (planned, tmp_path / "again.json"))
    assert one["assignments"] == other["assignments"]


@pytest.mark.parametrize("words, said", [
    (["slove"], "solve"),
    (["solve", "x", "-o", "y", "--sed", "1"], "--seed"),
    (["solve", "x", "-o", "y", "--seed", "abc"], "--seed"),
    (["solve", "x", "-o", "y", "--seconds", "0"], "1"),
    (["solve", "x", "-o", "y", "--seconds", "1000000"], "3600"),
    (["solve", "x"], "--output"),
    (["--lang", "fr", "check", "x", "y"], "zh, en"),
    (["serve", "--host", "0.0.0.0"], "0.0.0.0"),
])  # fmt: skip
def test_wrong_usage_is_exit_2(words, said):
    done = diandan(*words)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name, content, code", [
    ("missing.json", None, "file_missing"),
    (".", None, "file_directory"),
    ("-", None, "file_missing"),
    ("brace.json", "{", "json_invalid"),
    ("format.json", "{}", "format"),
    ("other.json", '{"format": "diandan-plan/1"}', "format"),
])  # fmt: skip
def test_invalid_input_is_exit_3(tmp_path, name, content, code):
    if content is not None:
        (tmp_path / name).write_text(content)
    done = diandan("solve", tmp_path / name, "-o", tmp_path / "plan.json")
    assert done.returncode == 3
    assert done.stderr.startswith(f"[{code}] {tmp_path / name}: ")
    assert len(done.stderr.splitlines()) == 1 and "; " in done.stderr


def test_too_large_is_exit_4(tmp_path):
    big = replace(preset("yaoshun-team6"), requests=(), published=(), pinned=())
    write_instance(big, tmp_path / "big.json")
    document = json.loads((tmp_path / "big.json").read_text())
    document["horizon"]["to"] = "2036-01-01T00:00+08:00"
    (tmp_path / "big.json").write_text(json.dumps(document))
    assert diandan("solve", tmp_path / "big.json", "-o", tmp_path / "plan.json").returncode == 4


def test_an_output_that_cannot_be_written_is_said_before_the_work(team, tmp_path):
    done = diandan("solve", team, "-o", tmp_path / "nowhere" / "plan.json")
    assert done.returncode == 3 and done.stderr.startswith("[file_unwritable] ")


def test_the_language_is_the_locales_or_the_one_asked_for(tmp_path):
    assert "没有这个文件" in diandan("--lang", "zh", "check", tmp_path / "a", tmp_path / "b").stderr
    assert "没有这个文件" in diandan("check", tmp_path / "a", tmp_path / "b", env={"LC_ALL": "zh_CN.UTF-8"}).stderr


def test_a_terminal_that_is_no_utf8_gets_escapes(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = diandan("--lang", "zh", "check", tmp_path / "a", tmp_path / "b", env=ascii_only)
    assert done.returncode == 3 and "\\u6ca1" in done.stderr


def test_a_broken_pipe_is_quiet(team, planned):
    """Whoever reads is gone before the first word."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*DIANDAN, "check", team, planned, "--json"], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_output_is_quiet(team, planned):
    """`diandan check … >&-`: what nobody can read is not said."""
    words = subprocess.list2cmdline([*DIANDAN, "check", str(team), str(planned)])
    done = subprocess.run(["sh", "-c", f"{words} >&-"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_keeps_the_best_plan(team, tmp_path):
    plan = tmp_path / "plan.json"
    words = [*DIANDAN, "solve", team, "-o", plan, "--seconds", "60", "--gap", "0"]
    solving = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert "cost" in solving.stderr.readline()
    solving.send_signal(signal.SIGINT)
    _, said = solving.communicate(timeout=10)
    assert solving.returncode == 130 and "Traceback" not in said
    from matcher import read_instance

    assert read_plan(plan, read_instance(team)).status == "interrupted"
    assert diandan("check", team, plan).returncode == 0


def test_check_loads_no_web_framework(team, planned):
    code = (
        "import sys; sys.argv = ['diandan', 'check', *sys.argv[1:]]\n"
        "from api.cli import main\n"
        "try: main()\n"
        "except SystemExit: print({'fastapi', 'sqlmodel', 'sqlalchemy', 'dbos', 'uvicorn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, team, planned], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
