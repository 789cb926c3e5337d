"""The districts say what is reported and what is assumed, and have what they promise at every seed."""

import re
from collections import Counter
from datetime import date, datetime, timedelta, timezone

import pytest

from matcher import Instance, instance_document, read_instance
from scenarios import PRESETS, preset
from scenarios.__main__ import main
from scenarios.presets.data import crew, table

SCARCE = ("电工", "管道", "手语")
LIANHU = preset("lianhu-day")


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_seed_is_the_same_district(name):
    assert preset(name, 3) == preset(name, 3)
    assert preset(name, 3).volunteers != preset(name, 4).volunteers


@pytest.mark.parametrize("name", PRESETS)
def test_every_number_says_where_it_comes_from(name):
    shown = PRESETS[name]
    assert shown.reported and shown.assumed
    assert all(number["row"] in shown.rows and number["says"] for number in shown.reported.values())
    assert all(number["because"] and "row" not in number for number in shown.assumed.values())


@pytest.mark.parametrize("name", PRESETS)
def test_another_day_is_the_same_day_shifted(name):
    one, other = preset(name), preset(name, day=date(2027, 1, 4))
    assert (one.requests, one.volunteers) == (other.requests, other.volunteers)
    assert other.origin.date() == date(2027, 1, 4) and other.origin.time() == one.origin.time()


@pytest.mark.parametrize("name", PRESETS)
def test_no_label_could_be_a_person(name):
    assert all(re.fullmatch(r"志愿者 \d+", v.label) for v in preset(name).volunteers)


def test_an_unknown_name_or_option_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="lianhu-day"):
        preset("lianhu")
    with pytest.raises(ValueError, match="it has day"):
        preset("yaoshun-team6", requests=3)
    with pytest.raises(ValueError, match="requests is 19"):
        preset("lianhu-day", requests=19)


def test_yaoshun_has_its_team_of_six():
    day = preset("yaoshun-team6")
    cleanup = day.request("Y01")
    assert "城关运输宿舍楼" in cleanup.label
    assert len(cleanup.required_seats) == 6
    assert all("县直" in cleanup.seats[k].skills for k in cleanup.required_seats)
    assert "带队" in cleanup.seats[0].skills and any(seat.optional for seat in cleanup.seats)
    units = Counter(v.unit.split()[0] for v in day.volunteers)
    assert len({v.unit for v in day.volunteers if "县直" in v.unit}) == 11
    assert len({v.unit for v in day.volunteers if "红色物业" in v.unit}) == 8
    assert sum(units.values()) == 11 * 5 + 8 * 4
    assert 10 <= len(day.requests) <= 12 and day.now == 0


def test_lianhu_is_the_reported_size():
    assert len(LIANHU.volunteers) == 2800
    assert [len({getattr(v, key) for v in LIANHU.volunteers}) for key in ("unit", "community", "grid")] == [
        84,
        131,
        364,
    ]
    assert len(LIANHU.requests) == 45
    assert sum(row.communities for row in table("lianhu-streets.csv")) == 131


def test_a_grid_lies_in_one_community_and_a_community_has_one_unit():
    assert len({(v.grid, v.community) for v in LIANHU.volunteers}) == 364
    assert len({(v.community, v.unit) for v in LIANHU.volunteers}) == 131
    paired = Counter(unit for _, unit in {(v.community, v.unit) for v in LIANHU.volunteers})
    assert Counter(paired.values()) == {2: 47, 1: 37}  # 2 × 47 + 37 = 131 communities, 47 + 37 = 84 units


def test_lianhu_lies_in_lianhu():
    shown = PRESETS["lianhu-day"]
    for place in (*LIANHU.volunteers, *LIANHU.requests):
        assert shown.number("west_lon") <= place.at[0] <= shown.number("east_lon")
        assert shown.number("south_lat") <= place.at[1] <= shown.number("north_lat")


def test_the_day_is_planned_as_it_opens():
    eight_thirty = datetime(2026, 3, 3, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    assert (LIANHU.origin, LIANHU.now, LIANHU.horizon_end) == (eight_thirty, 0, 12 * 60)
    assert all(0 < w.start <= w.end <= LIANHU.horizon_end for r in LIANHU.requests for w in r.windows)


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("requests", [20, 45, 340])
def test_lianhu_keeps_its_promises(requests, seed):
    day = preset("lianhu-day", seed, requests=requests)
    assert len(day.requests) == requests
    teams = [r for r in day.requests if len(r.seats) > 1 and r.service != "desk"]
    assert len(teams) >= 0.1 * requests
    desks = [r for r in day.requests if r.service == "desk"]
    assert len(desks) >= 3 and all(r.windows[0].start == r.windows[0].end for r in desks)
    assert all(0 < holders(day, skill, 1) <= 0.02 * 2800 for skill in SCARCE)
    assert surely_unserved(day) >= 5


def holders(day: Instance, skill: str, level: int) -> int:
    return sum(v.skills.get(skill, 0) >= level for v in day.volunteers)


def surely_unserved(day: Instance) -> int:
    """Lift faults nobody has the level for, and checks after the power cut beyond one for each licensed electrician.

    A check takes longer than the window of starts they share, so nobody makes two.
    """
    lifts = [r for r in day.requests if r.service == "lift"]
    leaks = [r for r in day.requests if r.service == "leakage"]
    assert holders(day, "电梯", 3) == 0 and all(r.seats[0].skills == {"电梯": 3} for r in lifts)
    first, last = min(r.windows[0].start for r in leaks), max(r.windows[0].end for r in leaks)
    assert last - first < min(r.minutes for r in leaks) and all(r.seats[0].skills == {"电工": 3} for r in leaks)
    assert 0 < holders(day, "电工", 3) < len(leaks)
    return len(lifts) + len(leaks) - holders(day, "电工", 3)


def test_scarce_skills_are_asked_for():
    asked = {skill for r in preset("lianhu-day", requests=340).requests for seat in r.seats for skill in seat.skills}
    assert set(SCARCE) <= asked


def test_people_are_free_in_the_evening_or_retired():
    """Most who are free at all are free after 18:00; by day it is a tenth to a fifth of everybody."""
    evening = sum(any(a.end > 18 * 60 + 60 - 510 for a in v.availability) for v in LIANHU.volunteers)
    morning = sum(any(a.start == 0 for a in v.availability) for v in LIANHU.volunteers)
    assert 0.4 * 2800 < evening < 0.6 * 2800
    assert 0.08 * 2800 < morning < 0.2 * 2800


def test_more_requests_meet_the_same_roster():
    assert preset("lianhu-day", requests=340).volunteers == LIANHU.volunteers


def test_a_crew_as_tables_write_it():
    nurse, speaker, anybody = crew("护理:2 带队:1|宣讲:1 +5..15|- ?")
    assert (nurse.skills, nurse.lag, nurse.optional) == ({"护理": 2, "带队": 1}, (0, 0), False)
    assert (speaker.skills, speaker.lag) == ({"宣讲": 1}, (5, 15))
    assert (anybody.skills, anybody.optional) == ({}, True)


def test_the_command_writes_a_file_that_reads_back(tmp_path, capsys):
    path = tmp_path / "day.json"
    assert main(["lianhu-day", "-o", str(path), "--requests", "60", "--seed", "2"]) == 0
    assert instance_document(read_instance(path)) == instance_document(preset("lianhu-day", 2, requests=60))
    assert "60 requests, 2800 volunteers" in capsys.readouterr().out


def test_without_a_name_the_command_lists_what_there_is(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in PRESETS)
    assert "members = 2800  (S5a: 2800+ in-service members)" in listed
    assert "requests = 45  (8231 online requests in 182 days)" in listed


def test_a_wrong_option_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["yaoshun-team6", "--requests", "60"])
    assert stopped.value.code == 2
    assert "it has day" in capsys.readouterr().err
