from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from featherlight.errors import Failure
from featherlight.pretrained import download

CONTENT = bytes(range(256)) * 4000  # a megabyte, several blocks


def sha256(content: bytes, digits: int = 64) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()[:digits]}"


@dataclass
class Host:
    """A local server: what it serves, and how it misbehaves."""

    url: str
    content: bytes = CONTENT
    ranges: bool = True
    drop_after: list[int] = field(default_factory=list)  # bytes of each of the next answers, before the line goes dead
    answers: list[int] = field(default_factory=list)  # error codes of the next answers
    asked: list[str | None] = field(default_factory=list)  # the range of each request


@pytest.fixture
def host() -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            served.asked.append(wanted)
            if served.answers:
                self.send_error(served.answers.pop(0))
                return
            start = int(re.findall(r"\d+", wanted)[0]) if wanted and served.ranges else 0
            if start >= len(served.content):
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.drop_after.pop(0)] if served.drop_after else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served = Host(f"http://127.0.0.1:{http.server_address[1]}/weights.pth")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.pth"


def beside(path: Path) -> set[str]:
    """What lies in the folder besides the file and the lock that it was fetched under."""
    return {file.name for file in path.parent.iterdir()} - {path.name, f"{path.name}.lock"}


@pytest.mark.parametrize("digits", [8, 10, 64])
def test_a_file_comes_whole_and_only_once(host: Host, path: Path, digits: int) -> None:
    for _ in range(2):
        download(host.url, path, sha256(CONTENT, digits))
        assert path.read_bytes() == CONTENT
    assert host.asked == [None]
    assert beside(path) == set()


def test_progress_is_told_in_bytes(host: Host, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(host.url, path, sha256(CONTENT), progress=lambda here, total: told.append((here, total)))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert len(told) > 1
    assert sorted(told) == told


def test_a_dropped_connection_is_taken_up_where_it_was_cut(host: Host, path: Path) -> None:
    host.drop_after = [300_000, 0, 500_000]
    download(host.url, path, sha256(CONTENT), pause=0)
    assert path.read_bytes() == CONTENT
    assert host.asked == [None, "bytes=300000-", "bytes=300000-", "bytes=800000-"]


def test_what_had_come_is_kept_for_the_next_call(host: Host, path: Path) -> None:
    host.drop_after = [100_000] * 4
    with pytest.raises(Failure, match=r"could not be downloaded: the connection dropped, 624000 bytes are missing"):
        download(host.url, path, sha256(CONTENT), pause=0)
    assert beside(path) == {"weights.pth.part"}
    download(host.url, path, sha256(CONTENT))
    assert path.read_bytes() == CONTENT
    assert host.asked[-1] == "bytes=400000-"
    assert beside(path) == set()


def test_a_server_without_ranges_sends_all_of_it_again(host: Host, path: Path) -> None:
    host.ranges, host.drop_after = False, [300_000]
    download(host.url, path, sha256(CONTENT), pause=0)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"the beginning of something else", CONTENT + b"too much", CONTENT])
def test_what_lies_there_from_another_time_does_no_harm(host: Host, path: Path, left: bytes) -> None:
    path.parent.mkdir()
    path.with_name("weights.pth.part").write_bytes(left)
    download(host.url, path, sha256(CONTENT))
    assert path.read_bytes() == CONTENT
    assert beside(path) == set()


def test_a_file_with_another_digest_is_not_kept_and_the_old_one_stays(host: Host, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"what was here before")
    with pytest.raises(Failure, match=r"must hold a file with the digest sha256:0123"):
        download(host.url, path, "sha256:0123")
    assert path.read_bytes() == b"what was here before"
    assert beside(path) == set()


def test_a_damaged_file_in_the_cache_is_fetched_again(host: Host, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(CONTENT[:-1])
    download(host.url, path, sha256(CONTENT))
    assert path.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(host: Host, path: Path) -> None:
    host.answers = [503, 500]
    download(host.url, path, sha256(CONTENT), pause=0)
    assert len(host.asked) == 3
    path.unlink()
    host.answers = [404]
    with pytest.raises(Failure, match=r"the server answers 404 Not Found"):
        download(host.url, path, sha256(CONTENT), pause=0)
    assert len(host.asked) == 4


def test_no_connection_is_one_sentence_at_once(path: Path) -> None:
    with pytest.raises(Failure, match=r"http://127\.0\.0\.1:1/x could not be downloaded: .*refused") as caught:
        download("http://127.0.0.1:1/x", path, sha256(CONTENT), pause=60)
    assert "\n" not in str(caught.value)


def test_one_file_of_a_zip_archive(host: Host, path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("../outside", b"must not be written")
        zipped.writestr("inside.pth", CONTENT)
    host.content = archive.getvalue()
    digest = f"sha1:{hashlib.sha1(CONTENT).hexdigest()}"
    download(host.url, path, digest, member="inside.pth")
    assert path.read_bytes() == CONTENT
    assert beside(path) == set()
    assert not (path.parent.parent / "outside").exists()


@pytest.mark.parametrize("content", [b"no archive", b"", CONTENT])
def test_what_is_no_archive_is_not_kept(host: Host, path: Path, content: bytes) -> None:
    host.content = content or b" "
    with pytest.raises(Failure, match="holds another"):
        download(host.url, path, "sha1:0123", member="inside.pth")
    assert not path.exists()


def test_a_damaged_archive_is_not_kept(host: Host, path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("inside.pth", CONTENT)
    for place in (0, 40, len(archive.getvalue()) // 2, len(archive.getvalue()) - 10):
        damaged = bytearray(archive.getvalue())
        damaged[place] ^= 0xFF
        host.content = bytes(damaged)
        with pytest.raises(Failure, match="holds another"):
            download(host.url, path, "sha1:0123", member="inside.pth")
        assert beside(path) == set()
    assert not path.exists()


def test_many_at_once_leave_one_whole_file(host: Host, path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: download(host.url, path, sha256(CONTENT)), range(16)))
    assert path.read_bytes() == CONTENT
    assert host.asked == [None]
