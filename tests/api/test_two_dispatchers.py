"""P5: two dispatchers never overwrite each other unseen: who looked at an older version is told."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from api import transitions
from tests.api.desk import at, request, volunteer
from tests.api.test_dispatch import seat_of
from tests.samples import sample

MOVES = [("wait", {"for": "date", "until": at("23:00"), "reason": "等等"}), ("cancel", {"reason": "不用了"})]


def pairs(desk, rounds: int) -> list[tuple[int, int]]:
    """In each round two people who saw the same version act on one thing at once; the statuses they were told."""
    luck, told = Random(9), []
    with ThreadPoolExecutor(2) as pool:
        for n in range(rounds):
            if n % 2:
                person = desk.enter("/v1/volunteers", volunteer())
                seat = seat_of(desk, desk.enter("/v1/requests", request()), person)
                where, acts = f"/v1/assignments/{seat}", [("accept", {}), ("decline", {})]
            else:
                where, acts = f"/v1/requests/{desk.enter('/v1/requests', request())}", MOVES
            version = desk.client.get(where).headers["ETag"]
            chosen = [luck.choice(acts) for _ in range(2)]
            answers = pool.map(
                lambda act, w=where, v=version: desk.post(f"{w}/{act[0]}", act[1], **{"If-Match": v}), chosen
            )
            told.append(tuple(sorted(one.status_code for one in answers)))
    return told


@pytest.mark.prove("pairs")
def test_one_of_two_is_told(desk, clock, record_property):
    told = pairs(desk, sample("pairs", 25, 1000))
    record_property("refused", str(sum(second in (409, 412) for _, second in told)))
    assert all(first == 200 and second in (409, 412) for first, second in told)


def test_the_loser_learns_both_versions(desk, clock):
    where = f"/v1/requests/{desk.enter('/v1/requests', request())}"
    desk.post(f"{where}/wait", MOVES[0][1], **{"If-Match": '"1"'}).raise_for_status()
    late = desk.post(f"{where}/cancel", MOVES[1][1], **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"], late.headers["ETag"]) == (412, "stale_version", '"2"')
    assert "1" in late.json()["detail"] + str(late.json()["errors"]) and "2" in late.json()["detail"]


def test_a_service_that_does_not_compare_is_seen(desk, clock, monkeypatch):
    """Who looked at an older version is let through: both are told that it was done."""
    whole = transitions.move
    monkeypatch.setattr(
        "api.assignments.service.move", lambda s, m, row, e, act, version=None, **v: whole(s, m, row, e, act, None, **v)
    )
    person = desk.enter("/v1/volunteers", volunteer())
    where = f"/v1/assignments/{seat_of(desk, desk.enter('/v1/requests', request()), person)}"
    desk.post(f"{where}/accept", {}, **{"If-Match": '"1"'}).raise_for_status()
    assert desk.post(f"{where}/withdraw", {"because": "ill"}, **{"If-Match": '"1"'}).status_code == 200
