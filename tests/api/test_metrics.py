"""Figures for Prometheus: by route and state, never by person, and for this machine alone."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request

from api.door import LoopbackOnly
from api.metrics import check_reader
from api.settings import Settings
from tests.api.desk import period, request, volunteer


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Name and labels -> value."""
    return {
        (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(desk):
    for n in (1, 2, 77):
        desk.client.get(f"/v1/plans/{n}")
    desk.enter("/v1/requests", request())
    desk.client.get("/somewhere/王小明")
    desk.client.get("/static/console.css")
    desk.client.request("WANG", "/v1/plans")
    text = desk.client.get("/metrics").text
    told = figures(text)
    counted = {name[1:]: count for name, count in told.items() if name[0] == "diandan_requests_total"}
    assert counted == {
        ("method=GET", "route=/v1/plans/{plan_id}", "status=404"): 3,
        ("method=POST", "route=/v1/requests", "status=201"): 1,
        ("method=GET", "route=unknown", "status=404"): 1,
        ("method=GET", "route=/static", "status=200"): 1,
        ("method=other", "route=/v1/plans", "status=405"): 1,
    }
    assert told["diandan_request_seconds_count", "method=GET", "route=/v1/plans/{plan_id}"] == 3
    assert "王小明" not in text and "WANG" not in text


def test_what_the_database_tells(desk):
    desk.enter("/v1/volunteers", volunteer())
    first = desk.enter("/v1/plans", period())
    desk.enter("/v1/plans", period())
    desk.change("UPDATE plans SET state = 'solving' WHERE id = :id", id=first)
    (audited,) = desk.rows("SELECT count(*) FROM audit")
    told = figures(desk.client.get("/metrics").text)
    assert told["diandan_plans", "state=queued"] == told["diandan_plans", "state=solving"] == 1
    assert told["diandan_plans", "state=published"] == 0
    assert told[("diandan_jobs_waiting",)] == told[("diandan_jobs_running",)] == 1
    assert 0 <= told[("diandan_oldest_waiting_job_seconds",)] < 60
    assert told[("diandan_audit_rows",)] == audited[0] >= 3
    assert told[("diandan_database_up",)] == 1


def test_without_a_database_the_rest_is_told(desk):
    """Not migrated, or away: the figures of the web process stand."""
    desk.change("ALTER TABLE plans RENAME TO elsewhere")
    told = figures(desk.client.get("/metrics").text)
    assert told[("diandan_database_up",)] == 0 and ("diandan_audit_rows",) not in told
    assert any(name[0] == "diandan_build_info" for name in told)


def asked(host: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (host, 5), "headers": raw})


@pytest.mark.parametrize("reader", [
    asked("192.168.1.7"), asked("127.0.0.1", x_forwarded_for="10.0.0.1"), asked("::1", forwarded="for=10.0.0.1"),
])  # fmt: skip
def test_other_machines_read_only_where_it_is_wished(reader):
    with pytest.raises(LoopbackOnly):
        check_reader(reader, Settings())
    check_reader(reader, Settings(metrics_for_all=True))


def test_this_machine_reads(sqlite_desk):
    check_reader(asked("127.0.0.1"), Settings())
    assert sqlite_desk.client.get("/metrics").status_code == 200
    assert sqlite_desk.client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 403
