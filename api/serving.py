"""The running house: the web application, and beside it a worker that is started again whenever it dies."""

import errno
import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from fastapi import FastAPI

from api import locks, schema
from api.app import create_app
from api.db import Database
from api.door import LoopbackOnly
from api.errors import ApiError
from api.jobs import watch
from api.settings import Settings, is_loopback

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 256 * 2**10
"""What the HTTP parser bears; the door refuses much less, and says so."""

LEAVING = 8.0
RESTART_SECONDS = 1.0


class PortTaken(ApiError):
    code = "port_taken"


class LockedBy(ApiError):
    code = "db_locked_by"


@contextmanager
def house(settings: Settings, next_port: bool = False) -> Iterator[str]:
    """Migrate, serve and work until the block ends; the address to open."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening(settings, next_port))
        database = Database(settings.database_url)
        if database.is_sqlite:
            try:
                stack.enter_context(locks.held(database, "serve"))
            except locks.Taken as taken:
                raise LockedBy("", taken.by) from None
        schema.migrate(database)
        database.close()
        leaving = stack.enter_context(working(settings))
        stack.enter_context(answering(create_app(settings), listener))
        stack.callback(leaving.set)  # first of all: the worker goes while the web answers what it has begun
        yield _address(listener)


@contextmanager
def listening(settings: Settings, next_port: bool) -> Iterator[socket.socket]:
    """A socket at the port asked for or, if wished, the next free one; without a public URL on this machine alone."""
    if settings.public_url is None and not is_loopback(settings.host):
        raise LoopbackOnly("--host", settings.host)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for port in range(settings.port, settings.port + (100 if next_port else 1)):
        listener = socket.socket(
            family, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # asyncio sets no-delay by the protocol
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        with listener:
            yield listener
        return
    raise PortTaken("--port", settings.port)


@contextmanager
def answering(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """The web application, in a thread of its own."""
    config = uvicorn.Config(
        app,
        http="h11",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        access_log=False,
        log_config=None,  # its lines go where ours go
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def working(settings: Settings) -> Iterator[threading.Event]:
    """A worker process, begun again under its name when it dies, ended with us, or when the event is set."""
    leaving = threading.Event()
    keeper = threading.Thread(target=_keep_working, args=(settings, leaving), name="keeper")
    keeper.start()
    try:
        yield leaving
    finally:
        leaving.set()
        keeper.join()


def _keep_working(settings: Settings, leaving: threading.Event) -> None:
    while not leaving.is_set():
        worker = subprocess.Popen(
            watch.python("api.jobs.worker", "--supervised"),
            stdin=subprocess.PIPE,  # its lifeline: closed with us, however we end
            env={**os.environ, **settings.environment()},
            start_new_session=True,
        )
        while worker.poll() is None and not leaving.wait(0.1):
            pass
        if leaving.is_set():
            _end(worker)
        else:
            log.warning("the worker ended with %s; it is started again", worker.returncode)
            leaving.wait(RESTART_SECONDS)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    worker.stdin.close()  # type: ignore[union-attr]
    try:
        worker.wait(LEAVING)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
