"""The pages as a browser shows them: whole, quiet, without a word to anybody else, and within their screens."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from api.console.read import VISITS
from api.security import COOKIE
from tests.browser.conftest import PASSWORD

PHONE = 390, 844
OVERLAPS = """kind => {
    const boxes = [...document.querySelectorAll(kind)].map(e => [e.textContent, e.getBoundingClientRect()]);
    const meets = (a, b) =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3;
    return boxes.flatMap(([one, a], i) =>
        boxes.slice(0, i).filter(([, b]) => meets(a, b)).map(([two]) => `${one} / ${two}`));
}"""


@pytest.fixture(scope="module")
def plan(served):
    return httpx.get(f"{served.address}/v1/plans/1", headers={"Cookie": f"{COOKIE}={served.session}"}).json()


@pytest.mark.parametrize("viewport", [(1366, 768), PHONE])
def test_one_logs_in_without_any_script(stranger, viewport):
    stranger.goto("/?day=2026-03-03")
    assert stranger.title() == "登录 · 点单"
    assert stranger.locator("html").bounding_box()["width"] <= viewport[0]
    stranger.get_by_label("登录名").fill("wang")
    stranger.get_by_label("密码").fill("wrong")
    stranger.get_by_role("button", name="登录").click()
    expect(stranger.get_by_role("alert")).to_be_visible()
    assert stranger.get_by_label("登录名").input_value() == "wang"
    stranger.get_by_label("密码").fill(PASSWORD)
    stranger.get_by_role("button", name="登录").click()
    stranger.wait_for_url("**/?day=2026-03-03")
    expect(stranger).to_have_title(re.compile("派单方案"))
    expect(stranger.get_by_role("link", name="王主任")).to_be_visible()
    stranger.get_by_role("button", name="退出").click()
    expect(stranger).to_have_title("登录 · 点单")
    stranger.goto("/")
    assert stranger.title() == "登录 · 点单"


@pytest.mark.parametrize("lang, title", [("zh", "3月3日 周二 派单方案 · 点单"), ("en", "Tue 3 Mar Plan · diandan")])
def test_the_plan_is_shown_in_both_languages(page, eyes, address, lang, title):
    page.goto(f"/?lang={lang}")
    assert page.title() == title
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    assert page.get_by_role("link", name={"zh": "English", "en": "中文"}[lang]).is_visible()
    assert eyes.complaints == []
    assert eyes.requests and all(url.startswith(address) for url in eyes.requests)
    assert page.locator("script").count() == 0


def test_the_language_is_changed_with_one_click(page):
    page.goto("/")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Tue 3 Mar Plan")
    page.goto("/")
    assert page.locator("h1").text_content() == "Tue 3 Mar Plan"


def test_map_timeline_and_table_hold_the_whole_plan(page, plan):
    page.goto("/")
    served = {seat["request"] for seat in plan["assignments"]}
    assert plan["unserved"] and len(served) + len(plan["unserved"]) == 45
    assert page.locator(".map a.point").count() == 45
    assert page.locator(".map a.point.unserved").count() == len(plan["unserved"])
    assert page.locator(".timeline a.visit").count() == len(plan["assignments"])
    assert page.locator(".timeline g[id^=v]").count() == len({seat["volunteer"] for seat in plan["assignments"]})
    assert page.locator("#table tbody").count() == len(served)
    assert page.locator("#table tbody tr").count() == len(plan["assignments"])
    assert page.locator(".plan.unserved tbody").count() == len(plan["unserved"])


def test_nothing_written_on_the_pictures_overlaps(page):
    page.goto("/")
    assert page.evaluate(OVERLAPS, ".map .label") == []
    assert page.evaluate(OVERLAPS, ".timeline .name") == []
    assert page.evaluate(OVERLAPS, ".timeline .hour, .timeline text.now") == []


def test_the_day_has_come_as_far_as_its_line(page):
    """It is 14:40, between the hours 14 and 15."""
    page.goto("/")
    assert page.locator("text.now").text_content() == "现在 14:40"
    line = page.locator("path.now").bounding_box()["x"]
    bars = {hour: page.locator(".hour", has_text=hour).bounding_box()["x"] for hour in ("13:00", "16:00")}
    assert bars["13:00"] < line < bars["16:00"]


def test_point_row_and_bar_lead_to_each_other(page, plan):
    seat = plan["assignments"][0]
    row, point, bar = f"#r{seat['request']}", f"#m{seat['request']}", f"#t{seat['request']}-{seat['seat']}"
    page.goto("/")
    for start, end in ((point, row), (f"{row} .number a", point), (bar, row), (f"{row} .time a[href='{bar}']", bar)):
        page.locator(start).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{end}")
        assert page.locator(f"{end}:target").count() == 1
    assert page.locator(point).evaluate("e => getComputedStyle(e.querySelector('circle')).fill") == "none"


def test_every_link_within_the_page_leads_somewhere(page):
    page.goto("/")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    asked = page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(e => e.getAttribute('href').slice(1))")
    assert len(ids) == len(set(ids))
    assert set(asked) <= set(ids)


def test_the_keyboard_is_seen(page):
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("viewport", [(1366, 768), (1920, 1080), (768, 1024), PHONE])
def test_the_plan_fits_its_screen(page, viewport):
    page.goto("/")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    if viewport[0] >= 1366:
        assert page.locator("figure .map").bounding_box()["y"] < viewport[1] / 2


def test_the_plan_prints(page):
    """On paper nothing scrolls, and there is nothing to click."""
    page.goto("/")
    page.emulate_media(media="print")
    assert not page.locator(".language").is_visible()
    assert page.locator(".scroll").evaluate("e => getComputedStyle(e).overflowY") == "visible"
    assert page.pdf(format="A4", landscape=True).startswith(b"%PDF")


@pytest.mark.parametrize("viewport", [PHONE])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("size", ["normal", "large"])
def test_a_schedule_fits_a_phone(page, eyes, plan, viewport, lang, size):
    busy = [seat["volunteer"] for seat in plan["assignments"]]
    page.goto(f"/v/{max(busy, key=busy.count)}?lang={lang}&size={size}")
    assert page.locator("article").count() == min(VISITS, max(busy.count(one) for one in busy))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    least = 20 if size == "large" else 16
    sizes = page.evaluate("[...document.querySelectorAll('body *')].map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= least
    assert eyes.complaints == []


def test_a_volunteer_is_one_click_away_from_the_plan(page, plan):
    page.goto("/")
    page.locator("#table .volunteer a").first.click()
    page.wait_for_url(re.compile(r"/v/\d+$"))
    expect(page).to_have_title(re.compile("的日程"))


def test_who_is_not_there_is_a_page_too(page):
    answer = page.goto("/v/99999")
    assert answer.status == 404
    assert page.get_by_text("这里没有 99999").first.is_visible()
