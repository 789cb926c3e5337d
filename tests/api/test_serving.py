"""Where the service listens, and who may use a database with it."""

import socket

import pytest

from api import locks
from api.door import LoopbackOnly
from api.serving import LockedBy, PortTaken, house, listening
from api.settings import Settings, is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_only_this_machine_is_served(host):
    assert not is_loopback(host)
    with pytest.raises(LoopbackOnly), listening(Settings(host=host, port=0), False):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_has_several_names(host):
    assert is_loopback(host)


def test_a_taken_port_is_told_or_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Settings(port=other.getsockname()[1])
        with pytest.raises(PortTaken), listening(taken, False):
            pass
        with listening(taken, True) as listener:
            assert listener.getsockname()[1] > taken.port


def test_a_second_house_on_one_sqlite_file_is_refused(sqlite_url):
    settings = Settings(database_url=sqlite_url, port=0)
    with house(settings), pytest.raises(LockedBy), house(settings):
        pass


def test_one_name_is_held_once(database):
    with locks.held(database, "worker-1"):
        with pytest.raises(locks.Taken), locks.held(database, "worker-1"):
            pass
        with locks.held(database, "worker-2"):
            pass
    with locks.held(database, "worker-1"):
        pass
