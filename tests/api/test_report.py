"""The report of a day or a period: what is counted, of how many, for whom, and how it is shown."""

from datetime import datetime

import pytest

from api.roles import Role
from tests.api.desk import at, request, volunteer
from tests.api.test_dispatch import assign, event, hand, seat_of, serve, step  # noqa: F401  `hand` is a fixture
from tests.api.test_publish import refused
from tests.api.town import town

DAY = "/v1/report?from=2030-06-03&to=2030-06-04"


def figures(desk, where=DAY):
    """Each figure by its code: value, of, share."""
    return {one["code"]: (one["value"], one["of"], one["share"]) for one in desk.get(where)["figures"]}


def test_a_day_with_nothing_has_no_shares(desk, clock):
    """Nothing of nothing is not 100%."""
    told = figures(desk)
    assert told.pop("served_by") == (0, 0, None)
    assert all(value == 0 and not of and share is None for value, of, share in told.values())


def test_a_day_is_counted(desk, hand, clock):  # noqa: F811
    """One of two is served and rated 5, after an offer declined; the other comes in unclassified at 9:40."""
    (person, other), asked = hand
    step(desk, seat_of(desk, asked, other), "decline").raise_for_status()
    serve(desk, asked, person, clock)
    clock["now"] = datetime.fromisoformat(at("09:40"))
    event(desk, asked, "rate", stars=5).raise_for_status()
    event(desk, asked, "call-back", result="satisfied").raise_for_status()
    second = desk.enter("/v1/requests", request(submitted=True))
    told = figures(desk)
    assert told["received"] == (2, None, None)
    assert told["answered"] == (0, 0, None)  # five minutes are not over
    assert told["declined"] == (1, 2, 0.5) and told["expired"] == (0, 2, 0.0)
    for code in ("on_time", "solved", "rated", "satisfied"):
        assert told[code] == (1, 1, 1.0), code
    assert told["unmet"] == (0, 1, 0.0)
    assert told["hours"] == (0.5, None, None) and told["person_times"] == (1, None, None)
    assert told["served_by"] == (1, 2, 0.5) and told["busiest_quarter"] == (0.5, 0.5, 1.0)
    assert told["distance"] == (0.9, None, None)  # 0.46 km there and back
    clock["now"] = datetime.fromisoformat(at("09:46"))
    assert figures(desk)["answered"] == (0, 1, 0.0)
    event(desk, second, "cancel", reason="不需要了").raise_for_status()
    assert figures(desk)["answered"] == (0, 1, 0.0)


def test_whoever_is_called_off_before_an_answer_was_due_counts_neither_way(desk, clock):
    clock["now"] = datetime.fromisoformat(at("09:00"))
    asked = desk.enter("/v1/requests", request(submitted=True))
    event(desk, asked, "cancel", reason="不需要了").raise_for_status()
    clock["now"] = datetime.fromisoformat(at("10:00"))
    assert figures(desk)["answered"] == (0, 0, None)


def test_what_is_taken_up_again_was_not_solved_and_satisfied_nobody(desk, hand, clock):  # noqa: F811
    (person, _), asked = hand
    serve(desk, asked, person, clock)
    event(desk, asked, "rate", stars=5).raise_for_status()
    event(desk, asked, "call-back", result="satisfied").raise_for_status()
    assert figures(desk)["solved"] == (1, 1, 1.0)
    event(desk, asked, "reopen", reason="又坏了", windows=request("10:00", "11:00")["windows"]).raise_for_status()
    told = figures(desk)
    assert told["solved"] == told["satisfied"] == (0, 1, 0.0)
    assert told["rated"] == told["reopened"] == told["on_time"] == (1, 1, 1.0)


def test_after_three_offers_with_nobody_it_shows_as_unmet(desk, clock):
    """In the report and on the page of the plan; while a fourth is asked, it does not."""
    asked = desk.enter("/v1/requests", request())
    assert figures(desk)["unmet"] == (0, 1, 0.0)
    for _ in range(3):
        step(desk, seat_of(desk, asked, desk.enter("/v1/volunteers", volunteer())), "decline").raise_for_status()
    assert figures(desk)["unmet"] == (1, 1, 1.0)
    desk.proposal()
    page = desk.client.get("/?plan=1", headers={"Accept": "text/html"}).text
    assert '<span class="unmet"' in page and ">unmet</span>" in page
    seat = seat_of(desk, asked, desk.enter("/v1/volunteers", volunteer()))
    assert figures(desk)["unmet"] == (0, 1, 0.0)
    step(desk, seat, "accept").raise_for_status()
    assert '<span class="unmet"' not in desk.client.get("/?plan=1", headers={"Accept": "text/html"}).text


def test_what_can_no_longer_be_served_is_unmet(desk, hand, clock):  # noqa: F811
    clock["now"] = datetime.fromisoformat(at("10:01"))
    assert figures(desk)["unmet"] == (1, 1, 1.0)
    assert figures(desk, "/v1/report?from=2030-06-02&to=2030-06-03")["unmet"] == (0, 0, None)


def test_a_reader_counts_what_is_theirs(desk):
    place = town(desk)
    where = "/v1/report?from=2020-01-01&to=2020-12-31"
    assert figures(desk, where)["received"][0] == 0
    today = "/v1/report"
    assert figures(desk, today)["received"][0] == 2
    with place.as_(Role.OVERSIGHT) as client:
        told = {one["code"]: one for one in client.get(today).json()["figures"]}
    assert (told["received"]["value"], told["served_by"]["of"], told["declined"]["of"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "asked, code",
    [
        ("from=2030-06-03&to=2030-06-03", "period_invalid"),
        ("from=2030-06-03&to=2029-06-03", "period_invalid"),
        ("from=2030-06-03&to=2031-06-05", "period_invalid"),
        ("from=tomorrow", "date_invalid"),
        ("from=0001-01-01", "date_invalid"),
        ("to=9999-12-31", "date_invalid"),
        ("to=2030-06-31", "date_invalid"),
    ],
)
def test_nonsense_is_refused(sqlite_desk, asked, code):
    refused(sqlite_desk.client.get(f"/v1/report?{asked}"), 422, code)


def test_without_a_wish_it_is_the_week_that_ends_today(desk, clock):
    told = desk.get("/v1/report")
    assert (told["from"], told["to"], told["days"]) == ("2030-05-28", "2030-06-04", 7)
    assert desk.get("/v1/report?from=2030-06-01")["to"] == "2030-06-08"


@pytest.mark.parametrize(
    "lang, words",
    [
        ("zh", ("报表", "响应率", "按时办结率", "1 / 2", "口径")),
        ("en", ("Report", "answered in time", "1 of 2", "Of offers made")),
    ],
)
def test_the_page_shows_every_figure_with_what_it_is_of(desk, hand, clock, lang, words):  # noqa: F811
    (person, other), asked = hand
    step(desk, seat_of(desk, asked, other), "decline").raise_for_status()
    assert assign(desk, asked, person).status_code == 201
    page = desk.client.get(f"/report?from=2030-06-03&to=2030-06-04&lang={lang}", headers={"Accept": "text/html"}).text
    assert all(word in page for word in words)
    assert page.count("<tbody") == len(figures(desk)) and '<svg class="columns"' in page
    assert 'href="/report?from=2030-06-02&amp;to=2030-06-03' in page and 'href="/report"' in page


def test_an_empty_page_says_what_to_do(desk, clock):
    page = desk.client.get("/report", headers={"Accept": "text/html", "Accept-Language": "zh"}).text
    assert "什么也没有发生" in page and "POST /v1/requests" in page and "<tbody" not in page


@pytest.mark.parametrize("role", Role)
def test_the_page_is_for_who_dispatches_plans_or_oversees(desk, role):
    place = town(desk)
    with place.as_(role) as client:
        told = client.get("/report").status_code
        linked = 'href="/report"' in client.get("/me").text
    may = role in (Role.DISPATCHER, Role.PLANNER, Role.OVERSIGHT)
    assert (told, linked) == ((200, True) if may else (403, False))
