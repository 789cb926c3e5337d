"""A PostgreSQL cluster of our own for the tests: made in a temporary folder, gone when they end."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

INSTALL = "apt-get install postgresql"

# The server ends when its standard input does, so it cannot outlive a test run that was killed.
KEEPER = """
exec 3<&0
"$1/postgres" -D "$2/data" -c config_file="$2/postgresql.conf" >"$2/log" 2>&1 &
server=$!
(cat <&3 >/dev/null; touch "$2/stopped"; kill -INT $server) &
wait $server
if [ -e "$2/stopped" ]; then rm -rf "$2"; fi
"""

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
"""


@dataclass(frozen=True)
class Cluster:
    """A running server, and the databases made in it."""

    port: int
    password: str

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://diandan:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, like: str = "template1") -> str:
        """A fresh database, empty or like another; its name."""
        name = f"diandan_{secrets.token_hex(4)}"
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
            )
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="diandan",
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )


def binaries() -> Path | None:
    """The folder of the newest server on this machine: Debian's, else the one in PATH."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda folder: [int(part) for part in folder.parent.name.split(".")])
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server on a free loopback port; stop it and remove its files at the end."""
    programs = binaries()
    if programs is None:
        raise FileNotFoundError(f"no PostgreSQL server on this machine; {INSTALL}")
    for attempt in range(3):  # another program may take the free port between the look and the start
        process, server, folder = _start(programs)
        try:
            _await(server, process, folder)
        except RuntimeError:
            _stop(process, folder)
            if attempt == 2:
                raise
            continue
        try:
            yield server
        finally:
            _stop(process, folder)
        return


def _start(programs: Path) -> tuple[subprocess.Popen[bytes], Cluster, Path]:
    owner = _owner()
    server = Cluster(_free_port(), secrets.token_hex(8))
    folder = Path(tempfile.mkdtemp(prefix="diandan-postgres-", dir=_open_folder()))
    (folder / "postgresql.conf").write_text(SETTINGS.format(port=server.port))
    (folder / "password").write_text(server.password)
    if owner:
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "diandan", "-A", "scram-sha-256"]
    initdb += ["--pwfile", folder / "password", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
    made = subprocess.run(initdb, cwd=folder, capture_output=True, text=True, check=False, **identity)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(f"initdb failed: {made.stderr.strip()}")
    process = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", programs, folder],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests; the server stops after them
        **identity,
    )
    return process, server, folder


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses root, so root hands it to somebody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _open_folder() -> str:
    """A temporary folder which the server's user can reach (root's own may be closed to others)."""
    chosen = Path(tempfile.gettempdir()).resolve()
    reachable = all(path.stat().st_mode & 0o001 for path in (chosen, *chosen.parents))
    return str(chosen) if reachable else "/tmp"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await(server: Cluster, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            server.connect("postgres").close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                log = folder / "log"
                said = log.read_text()[-2000:] if log.exists() else ""
                raise RuntimeError(f"PostgreSQL did not start on port {server.port}: {error}\n{said}") from error
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
