"""Log-ins: sessions, keys and links; what is guessed, forged or worn out opens nothing."""

import json
import re
import string
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import update

from api.models import LinkRow, SessionRow, UserRow
from api.people import entry, users
from api.roles import Role
from api.security import IDLE, LONGEST, hashed
from api.sessions import now
from tests.api.desk import Desk, volunteer
from tests.api.town import user, with_password
from tests.samples import sample

PASSWORD = "correct horse battery"
PAGE = {"Accept": "text/html", "Accept-Language": "zh-CN"}


@pytest.fixture
def wang(desk) -> int:
    """A dispatcher with a password."""
    user_id = user(desk, "wang", Role.DISPATCHER)
    with_password(desk, user_id, PASSWORD)
    return user_id


def log_in(client, name="wang", password=PASSWORD, **headers):
    return client.post("/v1/sessions", json={"name": name, "password": password}, headers=headers)


def own(desk: Desk) -> dict[str, str]:
    """What a browser says of a request from a page of ours."""
    return {"Origin": str(desk.client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}


def test_a_session_opens_what_its_user_may(desk, wang):
    client = desk.anonymous()
    assert client.get("/v1/me").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 201 and answer.json()["grants"] == [{"role": "dispatcher", "territory_id": None}]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert client.get("/v1/requests").status_code == 200
    assert client.get("/v1/users").status_code == 403
    assert client.delete("/v1/sessions/current", headers=own(desk)).status_code == 204
    assert client.get("/v1/me").status_code == 401


def test_what_is_kept_opens_nothing(desk, wang):
    """Hashes stand in the tables; neither a session, nor a key, nor a password."""
    client = desk.anonymous()
    token = log_in(client).cookies["session"]
    secret = desk.post("/v1/keys", {"name": "x", "grants": [{"role": "clerk"}]}).json()["secret"]
    tables = ("sessions", "api_keys", "users", "links", "audit", "idempotency_keys", "login_attempts")
    kept = " ".join(str(desk.rows(f"SELECT * FROM {table}")) for table in tables)
    assert all(word not in kept for word in (token, secret, secret.removeprefix("dd_"), PASSWORD))
    assert "$argon2id$" in kept and hashed(token) in kept
    assert len(token) >= 43  # 256 bits


@pytest.mark.parametrize("name, password", [("wang", "wrong"), ("nobody", PASSWORD), ("wang ", PASSWORD)])
def test_a_wrong_name_is_told_as_a_wrong_password(desk, wang, name, password):
    told = log_in(desk.anonymous(), name, password)
    assert told.status_code == 401
    same = {key: value for key, value in told.json().items() if key != "request_id"}
    right_name = log_in(desk.anonymous(), "wang", "other").json()
    assert same == {key: value for key, value in right_name.items() if key != "request_id"}


def test_an_unknown_name_costs_the_same_work(monkeypatch):
    """One comparison of hashes each, whether there is such a name or not."""
    compared = []
    monkeypatch.setattr(
        entry, "_PASSWORDS", type("P", (), {
            "verify_and_update": lambda self, password, kept: (compared.append(kept), (False, None))[1],
            "hash": lambda self, password: "somebody's",
        })(),
    )  # fmt: skip
    entry._nobodys.cache_clear()
    assert entry._verified("x", "a hash") == (False, None) and entry._verified("x", None) == (False, None)
    assert compared == ["a hash", "somebody's"]
    entry._nobodys.cache_clear()


def test_a_user_without_a_password_cannot_guess_one(desk):
    user(desk, "li", Role.CLERK)
    assert {log_in(desk.anonymous(), "li", guess).status_code for guess in ("x", "None", "li")} == {401}


def test_who_guesses_is_made_to_wait(desk, wang, app):
    """Ten wrong passwords for one name; then even the right one waits, and a quarter of an hour later it does not."""
    moment = datetime.now(UTC)
    app.dependency_overrides[now] = lambda: moment
    answers = [log_in(desk.anonymous(), password=f"guess {n}").status_code for n in range(10)]
    assert answers == [401] * 10
    told = log_in(desk.anonymous())
    assert (told.status_code, told.json()["code"]) == (429, "login_rate")
    assert 890 <= int(told.headers["Retry-After"]) <= 901
    assert log_in(desk.anonymous(), "somebody else").status_code == 401
    moment += timedelta(minutes=15)
    assert log_in(desk.anonymous()).status_code == 201


def test_who_tries_many_names_is_made_to_wait_too(desk, wang):
    with desk.database.writing() as session:
        for n in range(50):
            moment = datetime.now(UTC)
            session.add(entry.AttemptRow(name_hash=hashed(f"name {n}"), address="127.0.0.1", at=moment))
    assert log_in(desk.anonymous()).status_code == 429


def test_a_success_is_forgotten_as_an_attempt(desk, wang):
    for _ in range(12):
        assert log_in(desk.anonymous()).status_code == 201
    assert desk.rows("SELECT count(*) FROM login_attempts") == [(0,)]


def test_a_session_is_renewed_by_use_and_ends_without(desk, wang, app):
    moment = datetime.now(UTC)
    app.dependency_overrides[now] = lambda: moment
    client, left = desk.anonymous(), desk.anonymous()
    log_in(client)
    log_in(left)
    for _ in range(4):
        moment += IDLE * 2 / 3
        assert client.get("/v1/me").status_code == 200
    assert left.get("/v1/me").status_code == 401


def test_no_session_lasts_for_ever(desk, wang, app):
    moment = datetime.now(UTC)
    app.dependency_overrides[now] = lambda: moment
    client = desk.anonymous()
    log_in(client)
    until = moment + LONGEST
    with desk.database.writing() as session:  # in use every day so far
        session.execute(update(SessionRow).values(expires_at=until))
    moment = until - timedelta(minutes=1)
    assert client.get("/v1/me").status_code == 200
    moment = until
    assert client.get("/v1/me").status_code == 401


def test_a_deactivated_user_is_out_at_once(desk, wang):
    client = desk.anonymous()
    log_in(client)
    desk.post(f"/v1/users/{wang}/deactivate", {}).raise_for_status()
    assert client.get("/v1/me").status_code == 401 and log_in(desk.anonymous()).status_code == 401
    desk.post(f"/v1/users/{wang}/activate", {}).raise_for_status()
    assert client.get("/v1/me").status_code == 401 and log_in(desk.anonymous()).status_code == 201


def test_other_roles_hold_from_the_next_request(desk, wang):
    client = desk.anonymous()
    log_in(client)
    desk.post(f"/v1/users/{wang}/grants", {"grants": [{"role": "oversight"}]}).raise_for_status()
    assert client.post("/v1/plans", json={}, headers=own(desk)).status_code == 403
    assert client.get("/v1/plans").status_code == 200


# Forged requests


@pytest.mark.parametrize("said", [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
])  # fmt: skip
def test_a_cookie_is_worth_nothing_on_another_site(desk, wang, said):
    client = desk.anonymous()
    log_in(client)
    answer = client.post("/v1/volunteers", json=volunteer(), headers={"Idempotency-Key": "k", **said})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert client.post("/v1/volunteers", json=volunteer(), headers={"Idempotency-Key": "k", **own(desk)}).is_success


def test_a_form_carries_the_token_of_its_session(desk, wang):
    client = desk.anonymous()
    log_in(client)
    token = re.search(r'name="token" value="(\w+)"', client.get("/").text)[1]
    other = desk.anonymous()
    log_in(other)
    for forged in ("", "é", token[:-1], hashed("form"), re.search(r'"token" value="(\w+)"', other.get("/").text)[1]):
        assert client.post("/logout", data={"token": forged}, headers=own(desk)).status_code == 403
    assert client.post("/logout", data={"token": token}, headers=own(desk)).status_code == 303
    assert client.get("/v1/me").status_code == 401


def test_two_credentials_are_none(desk, wang):
    client = desk.anonymous()
    log_in(client)
    key = desk.client.headers["Authorization"]
    assert client.get("/v1/me", headers={"Authorization": key}).status_code == 401
    assert client.get("/v1/me", headers={"Cookie": "session=another"}).status_code == 401
    twice = [("Authorization", key), ("Authorization", key)]
    assert desk.anonymous().get("/v1/me", headers=twice).status_code == 401
    assert desk.anonymous().get("/v1/me", headers=twice[1:]).status_code == 200


# Keys


def test_a_key_is_shown_once_rotated_and_revoked(desk):
    made = desk.post("/v1/keys", {"name": "热线", "grants": [{"role": "clerk"}]}).json()
    old = desk.holding(made["secret"])
    assert old.get("/v1/me")["name"] == "key:热线"
    assert made["secret"] not in json.dumps(desk.get("/v1/keys"))
    new = desk.holding(desk.post(f"/v1/keys/{made['id']}/rotate", {}).json()["secret"])
    assert (old.client.get("/v1/me").status_code, new.client.get("/v1/me").status_code) == (401, 200)
    assert desk.client.delete(f"/v1/keys/{made['id']}").status_code == 204
    assert new.client.get("/v1/me").status_code == 401


def guesses(secret: str, rotated: str, luck: Random, many: int):
    """What somebody might try who has seen a key once, from afar."""
    yield from ("", " ", secret[:-1], secret[1:], secret + "A", secret.swapcase(), rotated, hashed(secret))
    yield from (secret.removeprefix("dd_"), f"{secret}%00", f"{secret},{secret}", "' OR '1'='1")
    letters = string.ascii_letters + string.digits + "-_"
    for _ in range(many):
        place = luck.randrange(3, len(secret))
        other = luck.choice(letters.replace(secret[place], ""))
        yield secret[:place] + other + secret[place + 1 :]


@pytest.mark.prove("guesses")
def test_guessed_keys_open_nothing_and_learn_nothing(desk, record_property):
    """P17: every guess is answered alike."""
    made = desk.post("/v1/keys", {"name": "k", "grants": [{"role": "clerk"}]}).json()
    secret = desk.post(f"/v1/keys/{made['id']}/rotate", {}).json()["secret"]
    many = sample("guesses", 50, 1000)
    answers = set()
    for guess in guesses(secret, made["secret"], Random(17), many):
        answer = desk.client.get("/v1/me", headers={"Authorization": f"Bearer {guess}".strip()})
        told = {key: value for key, value in answer.json().items() if key != "request_id"}
        answers.add((answer.status_code, json.dumps(told)))
    record_property("guesses", many)
    assert [status for status, _ in answers] == [401]
    assert desk.holding(secret).client.get("/v1/me").status_code == 200


# Links


def linked(desk: Desk, user_id: int) -> str:
    answer = desk.post(f"/v1/users/{user_id}/link", {})
    assert answer.status_code == 201
    return answer.json()["link"].removeprefix(str(desk.client.base_url).rstrip("/"))


def test_a_link_sets_a_password_once(desk, wang):
    """Looking at it, as chat programs do, does not use it up."""
    client, stale = desk.anonymous(), desk.anonymous()
    log_in(stale)
    where = linked(desk, wang)
    for _ in range(2):
        assert "为 wang 设置密码" in client.get(where, headers=PAGE).text
    assert client.post(where, data={"password": "short"}, headers=own(desk)).status_code == 422
    answer = client.post(where, data={"password": "another long one"}, headers=own(desk))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/v1/me").json()["name"] == "wang"
    assert stale.get("/v1/me").status_code == 401  # whoever had the old password is out
    again = desk.anonymous()
    assert again.post(where, data={"password": "yet another one"}, headers=own(desk)).status_code == 404
    assert again.get(where).status_code == 404
    assert log_in(again, password=PASSWORD).status_code == 401
    assert log_in(again, password="another long one").status_code == 201


def test_a_link_ends_after_a_quarter_of_an_hour_or_with_the_next(desk, wang, app):
    first, second = linked(desk, wang), linked(desk, wang)
    client = desk.anonymous()
    assert [client.get(where).status_code for where in (first, second)] == [404, 200]
    app.dependency_overrides[now] = lambda: datetime.now(UTC) + timedelta(minutes=15)
    assert client.get(second).status_code == 404


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t.swapcase(), lambda t: t + "A", lambda t: hashed(t)])
def test_a_guessed_link_is_not_there(desk, wang, change):
    where = linked(desk, wang)
    guess = "/enter/" + change(where.removeprefix("/enter/"))
    assert desk.anonymous().get(guess).status_code == 404
    assert desk.anonymous().post(guess, data={"password": PASSWORD}, headers=own(desk)).status_code == 404


def test_another_site_cannot_use_a_link(desk, wang):
    where = linked(desk, wang)
    answer = desk.anonymous().post(where, data={"password": PASSWORD}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_the_link_of_a_demo_lets_in_and_sets_no_password(desk, wang):
    with desk.database.writing() as session:
        shown = users.link(session, session.get_one(UserRow, wang), "", datetime.now(UTC), "test", lets_in=True)
    for _ in range(2):
        client = desk.anonymous()
        assert client.get(shown.link).headers["location"] == "/"
        assert client.get("/").status_code == 200
    answer = desk.anonymous().post(shown.link, data={"password": "another long one"}, headers=own(desk))
    assert answer.status_code == 404
    with desk.database.reading() as session:
        assert session.get(LinkRow, hashed(shown.link.removeprefix("/enter/"))) is not None


# The pages


def test_who_is_not_logged_in_is_asked_to_and_comes_back(desk, wang):
    client = desk.anonymous()
    answer = client.get("/v/1?size=large", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fv%2F1%3Fsize%3Dlarge")
    page = client.get(answer.headers["location"], headers=PAGE).text
    assert 'name="next" value="/v/1?size=large"' in page and "<script" not in page
    fields = {"name": "wang", "password": PASSWORD, "next": "/v/1?size=large"}
    entered = client.post("/login", data=fields, headers={**PAGE, **own(desk)})
    assert (entered.status_code, entered.headers["location"]) == (303, "/v/1?size=large")
    assert "退出" in client.get("/", headers=PAGE).text


def test_a_wrong_password_keeps_what_was_typed(desk, wang):
    fields = {"name": 'wa"ng<', "password": "wrong", "next": "/me"}
    answer = desk.anonymous().post("/login", data=fields, headers={**PAGE, **own(desk)})
    assert answer.status_code == 401 and "名字或密码不对" in answer.text
    assert "wa&#34;ng&lt;" in answer.text and "wrong" not in answer.text


@pytest.mark.parametrize("wanted", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil",
    "/\t/evil.example", "", "/\n/evil.example",
])  # fmt: skip
def test_nobody_is_led_elsewhere(desk, wang, wanted):
    fields = {"name": "wang", "password": PASSWORD, "next": wanted}
    answer = desk.anonymous().post("/login", data=fields, headers={**PAGE, **own(desk)})
    assert answer.headers["location"] == "/"


def test_another_site_cannot_log_anybody_in(desk, wang):
    fields = {"name": "wang", "password": PASSWORD}
    answer = desk.anonymous().post("/login", data=fields, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
