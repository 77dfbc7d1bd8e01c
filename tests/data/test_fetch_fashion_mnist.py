from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from featherlight.data import fashion_mnist
from featherlight.data import fetch_fashion_mnist as fetch
from featherlight.errors import Failure


@dataclass
class Server:
    """A server of the four files that can be told to cut connections, to ignore ranges or to send rubbish."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()
    for number, name in enumerate(fashion_mnist.DIGESTS):
        content = np.random.default_rng(number).bytes(5000)
        state.files[name] = gzip.compress(content)
        monkeypatch.setitem(fashion_mnist.DIGESTS, name, hashlib.sha256(content).hexdigest())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = state.files[self.path.lstrip("/")]
            asked = self.headers.get("Range")
            state.asked.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.ranges else 0
            if asked and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : state.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.address = f"http://127.0.0.1:{http.server_address[1]}/"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def assert_whole(server: Server, folder: Path) -> None:
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == server.files


def test_a_download_brings_the_four_files_and_nothing_else(server: Server, tmp_path: Path) -> None:
    fetch.download(server.address, tmp_path / "new")
    assert_whole(server, tmp_path / "new")
    fetch.download(server.address, tmp_path / "new")
    assert len(server.asked) == 4  # what is there is not asked for again


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(server: Server, tmp_path: Path, ranges: bool) -> None:
    server.cut_after = 1000
    with pytest.raises(Failure, match=r"could not be fetched .*4\d+ bytes are missing.*try again"):
        fetch.download(server.address, tmp_path)
    server.cut_after, server.ranges = None, ranges
    fetch.download(server.address, tmp_path)
    assert server.asked == [None, "bytes=1000-", None, None, None]
    assert_whole(server, tmp_path)


def test_a_download_that_stopped_just_before_its_end_is_finished(server: Server, tmp_path: Path) -> None:
    name = next(iter(server.files))
    (tmp_path / f"{name}.partial").write_bytes(server.files[name])
    fetch.download(server.address, tmp_path)
    assert_whole(server, tmp_path)


def test_what_has_another_digest_is_not_kept(server: Server, tmp_path: Path) -> None:
    name = list(server.files)[1]
    server.files[name] = gzip.compress(b"another data set")
    with pytest.raises(Failure, match="is not Fashion-MNIST") as caught:
        fetch.download(server.address, tmp_path)
    assert name in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == [next(iter(server.files))]


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="could not be fetched"):
        fetch.download("http://127.0.0.1:1/", tmp_path)


def test_without_root_or_apt_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("nothing should be run"))
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert not fetch.install_debian_package()
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert not fetch.install_debian_package()
