"""What tests of data share: a stand-in for the Hugging Face hub, and a folder in which permissions count."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """Each folder of `home` is the repository of that name of any organisation, with one commit."""

    def __init__(self, *arguments: Any, home: Path) -> None:
        self.home = home
        super().__init__(*arguments)

    def do_GET(self) -> None:
        match unquote(urlsplit(self.path).path).strip("/").split("/"):
            case ["datasets", _, name, "resolve", revision, *path]:
                self._answer(*self._file(self.home / name / "/".join(path), revision))
            case ["api", "datasets", _, name, *_] if not (self.home / name).is_dir():
                self._answer(b"", "RepoNotFound")
            case ["api", "datasets", org, name, *rest] if rest[:1] != ["tree"]:
                unknown = rest not in ([], ["revision", "main"], ["revision", COMMIT])
                self._answer(json.dumps(self._info(org, name)).encode(), "RevisionNotFound" if unknown else None)
            case ["api", "datasets", _, name, "tree", _, *path]:
                entries = self._tree(name, "/".join(path), deep="recursive=true" in self.path.lower())
                missing = not (self.home / name / "/".join(path)).is_dir()
                self._answer(json.dumps(list(entries)).encode(), "EntryNotFound" if missing else None)
            case _:
                self._answer(b"", "EntryNotFound")

    do_HEAD = do_GET

    def _file(self, path: Path, revision: str) -> tuple[bytes, str | None]:
        if revision not in ("main", COMMIT):
            return b"", "RevisionNotFound"
        return (path.read_bytes(), None) if path.is_file() else (b"", "EntryNotFound")

    def _info(self, org: str, name: str) -> dict[str, Any]:
        files = [{"rfilename": entry["path"]} for entry in self._tree(name, "", deep=True)]
        return {"id": f"{org}/{name}", "sha": COMMIT, "siblings": files}

    def _tree(self, name: str, below: str, deep: bool) -> Iterator[dict[str, Any]]:
        for path in sorted((self.home / name / below).glob("**/*" if deep else "*")):
            kind = "directory" if path.is_dir() else "file"
            size = 0 if path.is_dir() else path.stat().st_size
            place = path.relative_to(self.home / name).as_posix()
            yield {"type": kind, "path": place, "size": size, "oid": hashlib.sha1(place.encode()).hexdigest()}

    def _answer(self, body: bytes, error: str | None = None) -> None:
        body = b"" if error else body
        self.send_response(404 if error else 200)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a hub, and the folder that holds its repositories."""
    home = tmp_path_factory.mktemp("hub")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, home=home)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", home
        http.shutdown()
        thread.join()


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of a user whom permissions bind, as root is not; the test runs as that user."""
    with tempfile.TemporaryDirectory() as name:
        root = os.geteuid() == 0
        if root:
            os.chown(name, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            for folder in (path for path in (Path(name), *Path(name).rglob("*")) if path.is_dir()):
                folder.chmod(0o700)
