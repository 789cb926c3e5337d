"""The two pages over HTTP: what they say in each state, in both languages, to whom, and what they refuse."""

import re
from datetime import datetime, timedelta

import pytest

from api import sessions
from api.models import PlanRow
from tests.api.desk import NOW, at, request, volunteer
from tests.browser.seeded import asked

PAGE = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "zh-CN,zh;q=0.9"}
EVIL = "<script>alert(1)</script>{{7*7}}"


def read(desk, path, **headers):
    return desk.client.get(path, headers={**PAGE, **headers})


def form_of(text):
    """The hidden fields of the page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', text))


def send(desk, where, fields, **headers):
    own = str(desk.client.base_url).rstrip("/")
    return desk.client.post(
        where, data=fields, headers={**PAGE, "Origin": own, "Sec-Fetch-Site": "same-origin", **headers}
    )


@pytest.fixture
def proposed(desk):
    """Two people, two requests that can be served and one that cannot; a proposal."""
    for name in ("王秀英", EVIL):
        desk.enter("/v1/volunteers", volunteer(label=name, community="青年路社区"))
    desk.enter("/v1/requests", request("09:00", "09:00", label=f"陪诊 {EVIL}"))
    desk.enter("/v1/requests", request("09:00", "09:00", label="取药"))
    desk.enter("/v1/requests", request("10:00", "10:00", label=f"修灯 {EVIL}", seats=[{"skills": {"electric": 3}}]))
    return desk.proposal(seconds=20)


def test_an_empty_house_says_what_to_do_next(desk):
    desk.enter("/v1/volunteers", volunteer())
    page = read(desk, "/")
    assert page.status_code == 200
    assert "还没有方案" in page.text and "现有 1 名" in page.text and "POST /v1/plans" in page.text


def test_a_proposal_shows_figures_pictures_and_reasons(desk, proposed):
    page = read(desk, "/").text
    assert "2 / 3" in page and "普通" in page
    assert page.count('class="point normal"') == 2 + 1 and 'class="point unserved"' in page  # one in the legend
    assert page.count('class="visit normal"') == 2
    assert "没有技能 electric" in page
    assert 'id="r1"' in page and 'href="#r1"' in page and 'href="#m1"' in page and 'href="#t1-0"' in page


def test_a_plan_of_nothing_is_a_plan(desk):
    desk.proposal(seconds=20)
    page = read(desk, "/").text
    assert "0 / 0" in page and "已证明最好" in page and "请求全部排上了" in page and "没有人上岗" in page


def test_a_plan_that_serves_nobody_still_shows_where_they_are(desk):
    desk.enter("/v1/requests", request("09:00", "09:00"))
    desk.proposal(seconds=20)
    page = read(desk, "/").text
    assert "0 / 1" in page and 'id="m1" class="point unserved"' in page and "没有人上岗" in page


def test_labels_are_shown_as_they_are_written(desk, proposed):
    for path in ("/", "/v/2"):
        page = read(desk, path).text
        assert "<script" not in page and "{{7*7}}" in page and "&lt;script&gt;" in page


def test_a_form_publishes_once(desk, proposed):
    """A double click sends the same form twice: one effect, and both lead to the plan in force."""
    fields = form_of(read(desk, "/").text)
    answers = [send(desk, "/plans/1/publish", fields) for _ in range(2)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, "/?plan=1")] * 2
    assert desk.get(proposed)["state"] == "published"
    assert desk.rows("SELECT count(*) FROM audit WHERE noun = 'plan' AND to_state = 'published'") == [(1,)]
    assert "发布方案" not in read(desk, "/").text


def test_a_form_of_yesterday_is_told_so(desk, proposed):
    old = form_of(read(desk, "/").text)
    desk.change("UPDATE plans SET version = version + 1")
    answer = send(desk, "/plans/1/publish", old)
    assert answer.status_code == 412
    assert "已过时" in answer.text and answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "fields, status", [({"version": "2"}, 400), ({"key": "k"}, 428), ({"key": "k", "version": "²"}, 428)]
)
def test_a_form_without_its_fields_changes_nothing(desk, proposed, fields, status):
    token = form_of(read(desk, "/").text)["token"]
    assert send(desk, "/plans/1/publish", {"token": token, **fields}).status_code == status
    assert desk.get(proposed)["state"] == "proposed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_publish(desk, proposed, headers):
    answer = send(desk, "/plans/1/publish", form_of(read(desk, "/").text), **headers)
    assert answer.status_code == 403
    assert desk.get(proposed)["state"] == "proposed"


def test_who_does_not_say_where_a_form_comes_from_cannot_publish(desk, proposed):
    fields = form_of(read(desk, "/").text)
    assert desk.client.post("/plans/1/publish", data=fields).status_code == 403


def test_an_endless_form_is_not_read_to_its_end(desk, proposed):
    assert send(desk, "/plans/1/publish", {"reason": "x" * 100_000}).status_code == 413


def test_broken_promises_are_said_aloud_and_want_a_reason(desk, proposed):
    with desk.database.writing() as session:
        row = session.get_one(PlanRow, 1)
        row.result = {**row.result, "broken_pins": [{"request": "1", "volunteer": "2"}]}
    page = read(desk, "/").text
    assert "这份方案会让 1 人失约" in page
    assert '<input name="reason" required' in page


def test_the_plan_in_force_comes_first_and_newer_ones_are_told_of(desk, proposed):
    desk.publish(proposed)
    desk.proposal(seconds=20)
    page = read(desk, "/").text
    assert "方案 1 · 已发布" in page and "新方案 2 已拟定" in page
    assert "方案 2 · 拟定" in read(desk, "/?plan=2").text


@pytest.fixture
def unmade(desk):
    """Makes a plan in a state of choice."""

    def make(state, **more):
        return asked(desk.database, NOW, NOW.replace(day=2), state, **more)

    return make


def test_a_running_solve_shows_how_far_it_is(desk, unmade):
    unmade(
        "solving",
        progress={"seconds": 12.4, "cost": 51234, "bound": 16000, "gap": 0.0512, "served": 38, "requests": 45},
    )
    page = read(desk, "/", **{"Accept-Language": "en"}).text
    for told in (
        "38 of 45",
        "12 s of 30 s",
        "51,234",
        "16,000",
        "at most 5.1%",
        '<meta http-equiv="refresh" content="2">',
    ):
        assert told in page


@pytest.mark.parametrize("state", ["queued", "solving"])
def test_a_plan_under_way_is_cancelled_from_its_page(desk, unmade, state):
    """A double click is one effect; the page then says so, and offers it no more."""
    unmade(state)
    fields = form_of(read(desk, "/").text)
    answers = [send(desk, "/plans/1/cancel", fields) for _ in range(2)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, "/?plan=1")] * 2
    assert desk.rows("SELECT from_state, to_state FROM audit WHERE who = 'key:desk'") == [(state, "cancelled")]
    page = read(desk, "/?plan=1").text
    assert "被取消" in page and "取消求解" not in page
    late = send(desk, "/plans/1/cancel", {**fields, "key": "another"})
    assert late.status_code == 409 and "只能取消排队中或求解中的方案" in late.text


def test_another_site_cannot_cancel(desk, unmade):
    unmade("queued")
    fields = form_of(read(desk, "/").text)
    assert send(desk, "/plans/1/cancel", fields, Origin="https://evil.example").status_code == 403
    assert send(desk, "/plans/1/cancel", {**fields, "token": "x"}).status_code == 403
    assert desk.get("/v1/plans/1")["state"] == "queued"


def test_a_failed_solve_shows_its_cause_and_the_mend(desk, unmade):
    unmade("failed", cause={"code": "solve_memory", "params": {"value": None, "limit": "6.0 GB"}})
    page = read(desk, "/").text
    assert "求解超过内存上限 6.0 GB" in page and "请缩短计划期" in page and "refresh" not in page


@pytest.mark.parametrize("state, told", [("queued", "还没有第一份方案"), ("cancelled", "被取消")])
def test_a_plan_that_is_not_there_says_so(desk, unmade, state, told):
    unmade(state)
    assert told in read(desk, "/").text


def test_a_week_is_shown_a_day_at_a_time(desk):
    desk.enter("/v1/volunteers", volunteer(availability=[
        {"from": "2030-06-03T08:00+08:00", "to": "2030-06-03T12:00+08:00"},
        {"from": "2030-06-04T08:00+08:00", "to": "2030-06-04T12:00+08:00"},
    ]))  # fmt: skip
    desk.enter("/v1/requests", request("09:00", "09:00"))
    later = {"from": "2030-06-04T10:00+08:00", "to": "2030-06-04T10:00+08:00"}
    desk.enter("/v1/requests", request(windows=[later]))
    where = desk.proposal(seconds=20, to="2030-06-04T20:00+08:00")
    assert len(desk.get(where)["assignments"]) == 2
    first, second = read(desk, "/").text, read(desk, "/?day=2030-06-04").text
    assert 'id="r1"' in first and 'id="r2"' not in first and "/?day=2030-06-04" in first
    assert 'id="r2"' in second and 'id="r1"' not in second


# The volunteer's page


@pytest.fixture
def busy(desk):
    """Somebody with six visits on one day, in a plan that is published."""
    desk.enter("/v1/volunteers", volunteer("08:00", "20:00", label="王秀英"))
    for hour in range(8, 14):
        label = f"陪护老人并代办手续 · 环城西路街道 {hour:02} 社区 30 号楼 2 单元"
        desk.enter("/v1/requests", request(f"{hour + 1:02}:00", f"{hour + 1:02}:00", label=label))
    desk.publish(desk.proposal(seconds=20)).raise_for_status()
    return read(desk, "/v/1")


def test_a_phone_page_is_small_and_plain(desk, busy):
    style = desk.client.get("/static/phone.css")
    for lang in ("zh", "en"):
        page = read(desk, f"/v/1?lang={lang}&size=large")
        assert page.text.count("<article>") == 4
        assert len(page.content) + len(style.content) < 5 * 1024
        assert "<script" not in page.text


def test_a_phone_page_says_what_when_where_and_why(busy):
    for told in (
        "王秀英 的日程",
        "6月3日 周一",
        "09:00–09:30",
        "08 社区 30 号楼",
        "出发",
        "距出发地 0.5 公里",
        "距上一处",
        "待接单",
        "为什么是您",
    ):
        assert told in busy.text


def tap(desk, path, **fields):
    """What a button of the phone page does."""
    token = read(desk, "/me").text.partition('name="token" value="')[2].partition('"')[0]
    return send(desk, path, {"key": f"tap-{next(desk.keys)}", "token": token, **fields})


def test_a_volunteer_is_asked_by_hand_alone_if_they_like(desk):
    person = desk.enter("/v1/volunteers", volunteer())
    own = desk.of(person)
    assert ">不要自动派单</button>" in read(own, f"/v/{person}").text
    assert tap(own, f"/v/{person}/offers", automatic="no").headers["location"] == f"/v/{person}"
    page = read(own, f"/v/{person}").text
    assert "系统不再自动派单给您" in page and ">恢复自动派单</button>" in page
    assert desk.get(f"/v1/volunteers/{person}")["automatic"] is False
    assert tap(own, f"/v/{person}/offers", automatic="yes").status_code == 303
    assert desk.get(f"/v1/volunteers/{person}")["automatic"] is True


def test_a_volunteer_says_yes_no_here_and_done(desk, app):
    now = {"now": datetime.fromisoformat(at("08:00"))}
    app.dependency_overrides[sessions.now] = lambda: now["now"]
    person = desk.enter("/v1/volunteers", volunteer("08:00", "20:00"))
    asked = [desk.enter("/v1/requests", request(f"{hour}:00", f"{hour}:00")) for hour in (10, 12)]
    seats = [
        desk.post(f"/v1/requests/{one}/assign", {"volunteer": person, "start": at(f"{hour}:00")}).json()["id"]
        for one, hour in zip(asked, (10, 12), strict=True)
    ]
    office, desk = desk, desk.of(person)
    assert read(desk, "/v/1").text.count(">接单</button>") == 2
    assert tap(desk, f"/v/1/{seats[1]}/decline").status_code == 303
    assert tap(desk, f"/v/1/{seats[0]}/accept").headers["location"] == "/v/1"
    page = read(desk, "/v/1").text
    assert page.count("<article>") == 1 and "签到码" in page and "已接单" in page
    now["now"] = datetime.fromisoformat(at("09:55"))
    wrong = tap(desk, f"/v/1/{seats[0]}/check-in", code="no")
    assert wrong.status_code == 422 and "签到码不对" in wrong.text
    ((code,),) = desk.rows("SELECT check_in_code FROM requests WHERE id = :id", id=asked[0])
    assert tap(desk, f"/v/1/{seats[0]}/check-in", code=code).status_code == 303
    nonsense = tap(desk, f"/v/1/{seats[0]}/finish", minutes="lang")
    assert nonsense.status_code == 422 and "服务分钟数" in nonsense.text
    assert tap(desk, f"/v/1/{seats[0]}/finish", minutes="40").status_code == 303
    assert "已完成" in read(desk, "/v/1").text
    told = desk.rows("SELECT DISTINCT who FROM audit WHERE noun = 'assignment' AND to_state <> 'offered'")
    assert [who[:3] for (who,) in told] == ["v1."]
    office.enter("/v1/volunteers", volunteer())
    assert tap(desk, f"/v/2/{seats[0]}/finish", minutes="40").status_code == 404


def test_what_does_not_fit_is_a_tap_away(desk, busy):
    assert "还有 2 项" in busy.text and 'href="/v/1?skip=4"' in busy.text
    rest = read(desk, "/v/1?skip=4").text
    assert rest.count("<article>") == 2 and "14:00–14:30" in rest and "回到最近的" in rest


def test_a_volunteer_without_work_is_told_what_to_expect(desk):
    desk.enter("/v1/volunteers", volunteer())
    assert "目前没有安排" in read(desk, "/v/1").text


def test_a_proposal_is_not_shown_to_volunteers(desk, proposed):
    assert "<article>" not in read(desk, "/v/1").text


# Everybody's pages


@pytest.mark.parametrize(
    "path, status, told",
    [
        ("/v/99", 404, "这里没有 99"),
        ("/v/0", 422, "不是编号"),
        ("/v/abc", 422, "不是编号"),
        ("/?plan=99", 404, "这里没有 99"),
        ("/?plan=1e3", 404, "这里没有 1e3"),
        ("/?plan=99999999999999999999", 404, "这里没有"),
        ("/?plan=" + "9" * 5000, 404, "这里没有"),
        ("/v/1?skip=-1", 422, "不能翻页"),
        ("/nowhere", 404, "这里没有 /nowhere"),
    ],
)
def test_errors_are_pages_for_people(sqlite_desk, path, status, told):
    page = read(sqlite_desk, path)
    assert page.status_code == status and page.headers["content-type"].startswith("text/html")
    assert told in page.text and "回到今日方案" in page.text


def test_errors_are_problems_for_programs(sqlite_desk):
    assert sqlite_desk.client.get("/v/99").headers["content-type"] == "application/problem+json"
    assert read(sqlite_desk, "/v1/plans/99").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/v/99", "/static/console.css"])
def test_pages_may_load_nothing_from_elsewhere(sqlite_desk, path):
    page = read(sqlite_desk, path)
    rules = page.headers["content-security-policy"]
    assert "default-src 'none'" in rules and "script-src" not in rules and "unsafe" not in rules
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in page.text and "https://" not in page.text


@pytest.mark.parametrize(
    "path, accepted, lang",
    [
        ("/", "zh-CN,zh;q=0.9", "zh-CN"),
        ("/", "en-GB,en;q=0.9", "en"),
        ("/", "fr", "zh-CN"),
        ("/?lang=en", "zh", "en"),
        ("/v/99?lang=en", "zh", "en"),
        ("/?lang=tlh", "en", "en"),
    ],
)
def test_the_language_is_the_readers(sqlite_desk, path, accepted, lang):
    page = read(sqlite_desk, path, **{"Accept-Language": accepted}).text
    assert f'<html lang="{lang}"' in page and re.search(r"<title>.+</title>", page)


def test_a_language_once_chosen_is_kept(desk):
    assert "还没有方案" in read(desk, "/?lang=zh", **{"Accept-Language": "en"}).text
    assert "还没有方案" in read(desk, "/", **{"Accept-Language": "en"}).text


def test_to_whom_is_told_after_the_yes_alone(desk, app):
    """Until then nothing personal stands on any page; afterwards it does, and each look is noted."""
    now = {"now": datetime.fromisoformat(at("08:00"))}
    app.dependency_overrides[sessions.now] = lambda: now["now"]
    person, other = (desk.enter("/v1/volunteers", volunteer("08:00", "20:00")) for _ in range(2))
    told = {"name": "李淑芬", "phone": "13812341234", "door": "3 号楼 501", "text": "耳背，请大声"}
    asked = desk.enter("/v1/requests", request("10:00", "10:00", **told))
    seat = desk.post(f"/v1/requests/{asked}/assign", {"volunteer": person, "start": at("10:00")}).json()["id"]
    where, own = f"/v/{person}/{seat}", desk.of(person)
    before = read(own, where).text
    assert "接单之后" in before and not any(word in before + read(own, f"/v/{person}").text for word in told.values())
    tap(own, f"{where}/accept")
    assert f'href="{where}"' in read(own, f"/v/{person}").text
    after = read(own, where).text
    assert all(word in after for word in told.values()) and 'href="tel:13812341234"' in after
    ((who, fields),) = desk.rows("SELECT who, fields FROM access_log")
    assert who.startswith(f"v{person}.") and fields.split() == ["name", "phone", "door", "text"]
    assert read(desk.of(other), where).status_code == 404
    assert read(own, f"/v/{other}/{seat}").status_code == 404
    now["now"] = datetime.fromisoformat(at("10:31")) + timedelta(hours=72)
    assert "13812341234" not in read(own, where).text
