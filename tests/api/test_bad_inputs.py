"""PROMISES.md, table "API": each row one case. What comes in wrong is named, and told where and how to mend it."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.desk import Desk, at, period, request, volunteer

Send = Callable[[Desk], httpx.Response]


@dataclass(frozen=True)
class Case:
    """One bad input: how it is sent, and what must come back."""

    row: str
    send: Send
    status: int
    code: str
    within: float | None = None


def raw(body: bytes, kind: str = "application/json", **headers: str) -> Send:
    """These bytes as a volunteer."""
    told = {"Idempotency-Key": "raw", "Content-Type": kind, **headers}
    return lambda desk: desk.client.post("/v1/volunteers", content=body, headers=told)


def with_field(**fields: Any) -> Send:
    return lambda desk: desk.post("/v1/volunteers", volunteer(**fields))


def asking(**fields: Any) -> Send:
    return lambda desk: desk.post("/v1/requests", request(**fields))


def getting(path: str, **headers: str) -> Send:
    return lambda desk: desk.client.get(path, headers=headers)


def planning(**fields: Any) -> Send:
    return lambda desk: desk.post("/v1/plans", period() | fields)


def fifty_skills_and_more_wishes(desk: Desk) -> httpx.Response:
    seats = [{"skills": {f"s{i}": 1}} for i in range(50)]
    return desk.post("/v1/requests", request(seats=seats, wishes={f"w{i}": 1 for i in range(51)}))


def keyed(key: str | None) -> Send:
    headers = {} if key is None else {"Idempotency-Key": key}
    return lambda desk: desk.client.post("/v1/volunteers", json=volunteer(), headers=headers)


def chunked(size: int) -> Send:
    def pieces() -> Iterator[bytes]:
        for _ in range(size // 2**16):
            yield b" " * 2**16

    headers = {"Idempotency-Key": "chunked", "Content-Type": "application/json"}
    return lambda desk: desk.client.post("/v1/volunteers", content=pieces(), headers=headers)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def multipart(parts: int) -> bytes:
    return b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * parts + b"--x--\r\n"


def with_number(text: str) -> bytes:
    return json.dumps(volunteer(target_minutes="HERE")).replace('"HERE"', text).encode()


def many_headers(desk: Desk) -> httpx.Response:
    return desk.client.get("/livez", headers={f"X-{i}": "1" for i in range(2000)})


def stale(desk: Desk) -> httpx.Response:
    plan = desk.enter("/v1/plans", period())
    return desk.post(f"/v1/plans/{plan}/publish", {}, **{"If-Match": '"0"'})


def unmatched(desk: Desk) -> httpx.Response:
    plan = desk.enter("/v1/plans", period())
    return desk.post(f"/v1/plans/{plan}/publish", {})


def affinity_of(spelling: str) -> Send:
    """Somebody on the roster, whose id would not be found again in this spelling."""

    def send(desk: Desk) -> httpx.Response:
        desk.enter("/v1/volunteers", volunteer())
        return desk.post("/v1/requests", request(affinity={spelling: 5}))

    return send


def key_reused(desk: Desk) -> httpx.Response:
    desk.post("/v1/volunteers", volunteer(), key="reused").raise_for_status()
    return desk.post("/v1/volunteers", volunteer(label="另一个人"), key="reused")


def tampered_cursor(desk: Desk) -> httpx.Response:
    for _ in range(2):
        desk.enter("/v1/volunteers", volunteer())
    cursor = desk.get("/v1/volunteers?limit=1")["next"]
    flipped = cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]
    return desk.client.get("/v1/volunteers", params={"cursor": flipped})


FAR = "2099-01-01T00:00+08:00"
UNKNOWN = {f"availability{i}": 1 for i in range(30_000)}
ELEVEN_MB = b" " * 11 * 2**20

CASES = [
    Case("body is one brace", raw(b"{"), 400, "json_invalid"),
    Case("trailing NUL", raw(json.dumps(volunteer()).encode() + b"\0"), 400, "json_invalid"),
    Case("NaN", raw(with_number("NaN")), 400, "json_invalid"),
    Case("Infinity", raw(with_number("Infinity")), 400, "json_invalid"),
    Case("key twice", raw(b'{"a":1,"a":2}'), 400, "json_duplicate_key"),
    Case("nesting 10 000 deep", raw(nested(10_000)), 400, "json_too_deep", within=0.05),
    Case("11 MB", raw(ELEVEN_MB), 413, "body_too_large"),
    Case("11 MB in chunks", chunked(11 * 2**20), 413, "body_too_large"),
    Case("text/plain", raw(b"{}", "text/plain"), 415, "media_type"),
    Case("no type", raw(b"{}", ""), 415, "media_type"),
    Case("invalid UTF-8", raw(b'{"label": "\xff\xfe\x81"}'), 400, "encoding_not_utf8"),
    Case("GBK", raw(json.dumps({"label": "王秀英"}, ensure_ascii=False).encode("gbk")), 400, "encoding_not_utf8"),
    Case("lone surrogate", raw(rb'{"label": "\ud800"}'), 422, "text_invalid_unicode"),
    Case("NUL in text", raw(rb'{"label": "a\u0000b"}'), 422, "text_nul"),
    Case("unknown field", with_field(is_admin=True), 422, "field_unknown"),
    Case("unknown field inside", asking(seats=[{"skils": {}}]), 422, "field_unknown"),
    Case("integer 2^63", with_field(target_minutes=2**63), 422, "number_range"),
    Case("1e400", raw(with_number("1e400")), 422, "number_range"),
    Case('"5" for an integer', with_field(target_minutes="5"), 422, "type_int"),
    Case("true for an integer", with_field(target_minutes=True), 422, "type_int"),
    Case("5.0 for an integer", with_field(target_minutes=5.0), 422, "type_int"),
    Case("null for an integer", asking(minutes=None), 422, "type_int"),
    Case("field left out", raw(b"{}"), 422, "key_missing"),
    Case("a list for an object", raw(b"[]"), 422, "type_invalid"),
    Case("no body", raw(b""), 422, "key_missing"),
    Case("no window", asking(windows=[]), 422, "window_invalid"),
    Case("window reversed", asking(start="10:00", end="09:00"), 422, "window_invalid"),
    Case("time without offset", asking(due="2030-06-03T09:00"), 422, "timezone_required"),
    Case("time with seconds", asking(due="2030-06-03T09:00:30+08:00"), 422, "seconds_not_allowed"),
    Case("seconds in the offset", asking(due="2030-06-03T09:00+08:00:30"), 422, "seconds_not_allowed"),
    Case("due a lifetime ago", asking(due="1990-06-03T09:00+08:00"), 422, "time_far"),
    Case("window for ever", asking(windows=[{"from": at("09:00"), "to": FAR}]), 422, "time_far"),
    Case("free for ever", with_field(availability=[{"from": at("09:00"), "to": FAR}]), 422, "time_far"),
    Case("period far ahead", planning(**{"from": "2098-12-31T00:00+08:00", "to": FAR}), 422, "time_far"),
    Case("skills of a slip", with_field(skills={f"s{i}": 1 for i in range(1001)}), 422, "too_many_skills"),
    Case("skills over seats", fifty_skills_and_more_wishes, 422, "too_many_skills"),
    Case("30 000 unknown fields", with_field(**UNKNOWN), 422, "field_unknown", within=1.0),
    Case("30 February", asking(due="2030-02-30T09:00+08:00"), 422, "time_invalid"),
    Case("latitude first", asking(at=[34.265, 108.94]), 422, "coord_invalid"),
    Case("priority unknown", asking(priority="asap"), 422, "choice_unknown"),
    Case("seat 0 optional", asking(seats=[{"optional": True}]), 422, "seat_invalid"),
    Case("partner unknown", asking(partners=[999_999]), 422, "ref_unknown"),
    Case("affinity of nobody", asking(affinity={"Ada": 5}), 422, "ref_unknown"),
    Case("affinity of an id in another spelling", affinity_of("01"), 422, "ref_unknown"),
    Case("affinity of an id in full width", affinity_of("１"), 422, "ref_unknown"),
    Case("id 0", getting("/v1/requests/0"), 422, "id_invalid"),
    Case("id -1", getting("/v1/requests/-1"), 422, "id_invalid"),
    Case("id 1e3", getting("/v1/requests/1e3"), 422, "id_invalid"),
    Case("id 2^40", getting(f"/v1/requests/{2**40}"), 422, "id_invalid"),
    Case("id of dots", getting("/v1/requests/..%2F1"), 404, "not_found"),
    Case("id of 500 characters", getting("/v1/requests/" + "9" * 500), 422, "id_invalid"),
    Case("id of nothing", getting("/v1/requests/123456"), 404, "not_found"),
    Case("limit 10^9", getting("/v1/requests?limit=1000000000"), 422, "page_invalid"),
    Case("offset -1", getting("/v1/requests?offset=-1"), 422, "page_invalid"),
    Case("cursor tampered", tampered_cursor, 422, "page_invalid"),
    Case("cursor of nonsense", getting("/v1/requests?cursor=%F0%9F%98%80"), 422, "page_invalid"),
    Case("sort by nonsense", getting("/v1/requests?sort=phone;drop table"), 422, "sort_unknown"),
    Case("no key", keyed(None), 400, "idempotency_key_required"),
    Case("key of 300 characters", keyed("k" * 300), 400, "idempotency_key_invalid"),
    Case("key with a tab", keyed("a\tb"), 400, "idempotency_key_invalid"),
    Case("empty key", keyed(""), 400, "idempotency_key_invalid"),
    Case("same key, other body", key_reused, 409, "idempotency_key_reused"),
    Case("stale If-Match", stale, 412, "stale_version"),
    Case("no If-Match", unmatched, 428, "if_match_required"),
    Case(
        "a range of 10 000 parts", getting("/livez", Range="bytes=" + "0-," * 10_000), 416, "range_invalid", within=0.05
    ),
    Case("2 000 headers", many_headers, 431, "headers_too_large"),
    Case("64 KB cookie", getting("/livez", Cookie="a=" + "b" * 2**16), 431, "headers_too_large"),
    Case("10 000 parts", raw(multipart(10_000), "multipart/form-data; boundary=x"), 413, "too_many_parts"),
    Case("Host: evil.example", getting("/livez", Host="evil.example"), 400, "host_unknown"),
    Case("no such path", getting("/v1/nothing"), 404, "not_found"),
    Case("no such method", lambda desk: desk.client.delete("/v1/requests"), 405, "method_not_allowed"),
    Case("seconds 0", planning(seconds=0), 422, "limit_range"),
    Case("seconds 10^6", planning(seconds=10**6), 422, "limit_range"),
    Case('seconds "abc"', planning(seconds="abc"), 422, "limit_range"),
    Case("period reversed", planning(**{"to": "2030-06-02T08:00+08:00"}), 422, "horizon_invalid"),
    Case("period of 63 days", planning(**{"to": "2030-08-06T08:00+08:00"}), 422, "horizon_invalid"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
def test_what_is_wrong_is_told(sqlite_desk, case):
    answer, took = timed(case.send, sqlite_desk)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == case.code and told["status"] == case.status
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert told["detail"] and told["errors"][0]["hint"] and told["errors"][0]["code"] == case.code
    assert len(told["errors"][0]["value"] or "") <= 40
    if case.within is not None:  # the best of three: a machine that is busy for a moment is not the service's doing
        took = min(took, *(timed(case.send, sqlite_desk)[1] for _ in range(2)))
        assert took < case.within + 0.1  # the way through the network is not counted


def timed(send: Send, desk: Desk) -> tuple[httpx.Response, float]:
    began = time.perf_counter()
    return send(desk), time.perf_counter() - began


def test_a_byte_order_mark_is_accepted(sqlite_desk):
    answer = raw(b"\xef\xbb\xbf" + json.dumps(volunteer()).encode())(sqlite_desk)
    assert answer.status_code == 201


def test_a_place_in_the_body_is_named(sqlite_desk):
    answer = asking(seats=[{}, {"skills": {"lift": "2"}}])(sqlite_desk).json()
    assert answer["errors"] == [
        {
            "path": "seats[1].skills.lift",
            "code": "type_int",
            "value": "2",
            "hint": "write a whole number, unquoted",
        }
    ]


def test_a_likely_field_is_named(sqlite_desk):
    answer = with_field(availabilty=[])(sqlite_desk).json()
    assert answer["errors"][0]["hint"] == "did you mean availability?"


@pytest.mark.parametrize("wish, lang", [("en-GB,zh;q=0.5", "en"), ("fr", "zh"), ("fr, en", "en"), ("", "zh")])
def test_the_sentence_is_in_the_readers_language(sqlite_desk, wish, lang):
    answer = sqlite_desk.client.get("/nothing", headers={"Accept-Language": wish})
    assert answer.headers["Content-Language"] == lang
    assert ("这里没有" in answer.json()["detail"]) == (lang == "zh")


def test_a_body_too_large_is_not_read_to_its_end(sqlite_desk):
    """100 MB announced: the answer comes before they are sent."""
    host, port = sqlite_desk.client.base_url.host, sqlite_desk.client.base_url.port
    with socket.create_connection((host, port), timeout=5) as line:
        line.sendall(
            b"POST /v1/volunteers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Idempotency-Key: a\r\nContent-Length: 100000000\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_a_key_with_a_newline_never_arrives(sqlite_desk):
    """The HTTP parser itself refuses it."""
    host, port = sqlite_desk.client.base_url.host, sqlite_desk.client.base_url.port
    with socket.create_connection((host, port), timeout=5) as line:
        line.sendall(b"POST /v1/volunteers HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: a\r\n\x00b\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400")
