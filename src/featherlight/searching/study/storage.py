"""Where a study lies: a journal file, an SQLite file or a PostgreSQL server."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool  # a connection a question: none is left that a server has forgotten

from featherlight.errors import BadInput, Failure
from featherlight.files import is_full

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FIRST = b'{"op_code":'  # of a journal
PATIENCE = 60  # seconds for which SQLite waits for its turn


def open_storage(url: str, *, new: bool) -> BaseStorage:
    """The storage at a path (of a journal), an `sqlite:///` or a `postgresql://` URL.

    Raises BadInput for any other, one that is not there unless `new` says that it may be made, and one that cannot be
    read or reached.
    """
    if "://" not in url:
        return _journal(Path(url), new)
    kind = url.partition(":")[0].partition("+")[0]
    if kind not in (SQLITE, POSTGRESQL):
        raise BadInput(
            f"study must be the path of a journal, or a URL beginning with {SQLITE}:/// or {POSTGRESQL}://; "
            f"got {shown(url)!r}"
        )
    try:
        return _database(url, kind, new)
    except ImportError as error:
        raise BadInput(
            f"the study {shown(url)} needs a driver of its database ({_cause(error)}); for PostgreSQL, "
            "pip install 'psycopg[binary]'"
        ) from error
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:  # the last for another version of Optuna
        raise BadInput(f"the study {shown(url)} cannot be opened: {_cause(error)}") from error
    except OSError as error:
        raise BadInput(f"the study {shown(url)} cannot be opened: {error.strerror}") from error


@contextlib.contextmanager
def answering(url: str) -> Iterator[None]:
    """Within the block a storage that no longer answers raises Failure."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise Failure(
            f"the study {shown(url)} does not answer: {_cause(error)}; start the worker again when it does, "
            "nothing that was finished is lost"
        ) from error


def shown(url: str) -> str:
    """The URL without its password."""
    scheme, slashes, rest = url.partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}{slashes}{who.partition(':')[0]}{at}{where}"


def _nowhere(url: str) -> BadInput:
    begin = f"featherlight search DATA --budget 1ms --out DIR --study {url}"
    return BadInput(f"there is no study at {url}; name the one that a search was begun with, or begin it: `{begin}`")


def _journal(path: Path, new: bool) -> BaseStorage:
    if not new and not path.exists():
        raise _nowhere(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _may_be_journal(path):
            raise ValueError("its first line is no event of one")
        return JournalStorage(_Journal(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not the journal of a study, or was altered: {error}") from error
    except OSError as error:
        if is_full(error):
            raise
        raise BadInput(f"the study {path} cannot be opened: {error.strerror}") from error


def _may_be_journal(path: Path) -> bool:
    # Optuna would take a file of another kind for a journal whose last line is being written.
    with path.open("rb") as file:
        start = file.read(len(FIRST))
    return FIRST.startswith(start)


class _Journal(JournalFileBackend):
    """Optuna's journal with a lock that goes with its process, and without the half lines that a crash leaves.

    Optuna's own locks are files: those of a killed worker keep all others waiting for half a minute. And a line that a
    full disk cut short would become one with the next, which no worker could read again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._process_lock = filelock.FileLock(path.with_name(f"{path.name}.lock"))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append whole lines; on the disk when this returns."""
        lines = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        try:
            with self._process_lock:
                self._append(lines)
        except NotImplementedError:  # a networked file system without locks of the kernel
            super().append_logs(logs)

    def _append(self, lines: bytes) -> None:
        with self._path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                size = self._path.read_bytes().rfind(b"\n") + 1
                file.truncate(size)
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), size)
                raise


def _database(url: str, kind: str, new: bool) -> BaseStorage:
    if kind == POSTGRESQL:
        parsed = sqlalchemy.make_url(url)
        if parsed.drivername == POSTGRESQL:  # versions of SQLAlchemy differ in what they take then
            parsed = parsed.set(drivername=f"{POSTGRESQL}+psycopg")
        return RDBStorage(parsed.render_as_string(hide_password=False), {"poolclass": NullPool})
    file = Path(sqlalchemy.make_url(url).database or "")
    if not file.name or (not new and not file.exists()):
        raise _nowhere(url)
    file.parent.mkdir(parents=True, exist_ok=True)
    storage = RDBStorage(url, {"poolclass": NullPool, "connect_args": {"timeout": PATIENCE}})
    # By default SQLite lets two processes read a row before either writes it: a trial would be finished twice.
    sqlalchemy.event.listen(storage.engine, "connect", _manual)
    sqlalchemy.event.listen(storage.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return storage


def _manual(connection: Any, _: object) -> None:
    connection.isolation_level = None  # begins no transaction of its own


def _cause(error: BaseException) -> str:
    """The innermost reason, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
