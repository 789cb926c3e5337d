"""The command line about people: users, links, the first administrator; and where the service may be reached."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from api.app import create_app
from api.door import client_address
from api.people.commands import first_link
from api.serving import answering, listening
from api.settings import Settings
from tests.api.desk import migrated, volunteer
from tests.api.town import user, with_password

DIANDAN = [sys.executable, "-m", "api.cli"]
PASSWORD = "correct horse battery"


def diandan(url: str, *words: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "DIANDAN_DATABASE_URL": url, "LC_ALL": "C.UTF-8"}
    return subprocess.run([*DIANDAN, *words], capture_output=True, text=True, env=environment)


def test_a_user_and_their_link(desk):
    url = desk.settings.database_url
    street = desk.enter("/v1/territories", {"name": "莲湖区"})
    made = diandan(url, "admin", "user", "wang", "--role", "dispatcher", "--role", "clerk", "--territory", str(street))
    assert (made.returncode, made.stderr) == (0, "")
    assert re.fullmatch(r"http://127.0.0.1:8000/enter/[\w-]{43}\n", made.stdout)
    (told,) = desk.get("/v1/users")["items"]
    assert told["grants"] == [{"role": role, "territory_id": street} for role in ("dispatcher", "clerk")]
    again = diandan(url, "admin", "link", "wang").stdout.strip()
    client = desk.anonymous()
    own = {"Origin": str(desk.client.base_url).rstrip("/")}
    paths = [link.removeprefix("http://127.0.0.1:8000") for link in (made.stdout.strip(), again)]
    assert [client.post(path, data={"password": PASSWORD}, headers=own).status_code for path in paths] == [404, 303]
    assert client.get("/v1/me").json()["name"] == "wang"


@pytest.mark.parametrize("words, status, said", [
    (["admin", "link", "nobody"], 3, "[user_unknown] "),
    (["admin", "user", "a b", "--role", "clerk"], 3, "[name_invalid] "),
    (["admin", "user", "worker", "--role", "clerk"], 3, "[name_invalid] "),
    (["admin", "user", "li", "--role", "clerk", "--territory", "99"], 3, "[territory_unknown] "),
    (["admin", "user", "li", "--role", "king"], 2, "king"),
    (["admin", "user", "li"], 2, "--role"),
])  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(sqlite_desk, words, status, said):
    done = diandan(sqlite_desk.settings.database_url, *words)
    assert done.returncode == status and said in done.stderr and "Traceback" not in done.stderr


def test_an_old_database_is_told_how_to_be_mended(sqlite_url):
    done = diandan(sqlite_url, "admin", "link", "wang")
    assert done.returncode == 3 and done.stderr.startswith("[schema_mismatch] ")


def test_the_first_administrator_is_invited_until_somebody_can_log_in(desk):
    settings = desk.settings
    first, second = (first_link(settings, "http://x") for _ in range(2))
    assert first != second and len(desk.get("/v1/users")["items"]) == 1
    with_password(desk, user(desk, "wang", None), PASSWORD)
    assert first_link(settings, "http://x") is None


def test_serve_prints_the_first_link(sqlite_url):
    environment = {**os.environ, "DIANDAN_DATABASE_URL": sqlite_url, "LC_ALL": "C.UTF-8"}
    words = [*DIANDAN, "serve", "--port", "18460", "--next-port"]
    serving = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        address = serving.stdout.readline().split()[-1]
        link = serving.stdout.readline().split()[-1]
        assert link.startswith(f"{address}/enter/")
        with httpx.Client(headers={"Origin": address}) as client:
            assert client.post(link, data={"password": PASSWORD}).headers["location"] == "/me"
            assert client.get(f"{address}/v1/me").json()["grants"] == [{"role": "admin", "territory_id": None}]
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=20)
    assert serving.returncode == 0


# Other addresses than this machine's own


@pytest.fixture
def public(sqlite_url):
    """A service behind a proxy that speaks https for it."""
    settings = Settings(database_url=sqlite_url, port=0, public_url="https://diandan.example.org/")
    database = migrated(sqlite_url)
    with listening(settings, False) as listener, answering(create_app(settings), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    database.close()


def test_a_public_service_answers_to_its_name(public):
    names = ("diandan.example.org", "DIANDAN.example.org:443", "evil.example", "diandan.example.org.evil.example")
    told = [httpx.get(f"{public}/livez", headers={"Host": name}).status_code for name in names]
    assert told == [200, 200, 400, 400]


def test_a_public_service_wants_its_own_origin_and_gives_safe_cookies(public, sqlite_url):
    database = migrated(sqlite_url)
    link = first_link(Settings(database_url=sqlite_url), public)
    database.close()
    host = {"Host": "diandan.example.org"}
    for origin, status in (("http://diandan.example.org", 403), (public, 403), ("https://diandan.example.org", 303)):
        answer = httpx.post(link, data={"password": PASSWORD}, headers={**host, "Origin": origin})
        assert answer.status_code == status
    assert "; Secure" in answer.headers["set-cookie"]


def test_any_address_may_be_listened_on_with_a_public_url():
    with listening(Settings(host="0.0.0.0", port=0, public_url="https://x.example"), False) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize("url", ["x.example", "ftp://x.example", "https://", "https://x.example/path", "https://x/?a"])
def test_a_public_url_is_scheme_and_host(url):
    with pytest.raises(ValueError, match="not like https"):
        Settings(public_url=url)


def test_settings_are_handed_on_to_the_worker(monkeypatch):
    for public_url in (None, "https://x.example"):
        for name, value in Settings(public_url=public_url, port=1).environment().items():
            monkeypatch.setenv(name, value)
        assert Settings().public_url == public_url and Settings().port == 1


@pytest.mark.parametrize("peer, told, public_url, who", [
    ("127.0.0.1", b"203.0.113.9, 198.51.100.7", "https://x.example", "198.51.100.7"),
    ("127.0.0.1", b"203.0.113.9", None, "127.0.0.1"),
    ("203.0.113.1", b"198.51.100.7", "https://x.example", "203.0.113.1"),
    ("127.0.0.1", b"", "https://x.example", "127.0.0.1"),
])  # fmt: skip
def test_only_a_proxy_of_ours_speaks_for_others(peer, told, public_url, who):
    scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", told)] if told else []}
    assert client_address(scope, Settings(public_url=public_url)) == who


def test_what_is_told_is_kept_in_no_cache(sqlite_desk):
    assert sqlite_desk.client.get("/v1/requests").headers["Cache-Control"] == "no-store"
    assert sqlite_desk.post("/v1/volunteers", volunteer()).headers["Cache-Control"] == "no-store"
