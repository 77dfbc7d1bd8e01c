from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from featherlight.data import fetch_fashion_mnist as fetch
from featherlight.errors import Failure


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The address of a local server, and the folder that it serves: four files known by their digests."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in fetch.FILES:
        (folder / name).write_bytes(name.encode() * 100)
        monkeypatch.setitem(fetch.FILES, name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}/", folder
        http.shutdown()
        thread.join()


def test_the_four_files_come_from_the_repository(repository: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = repository
    for _ in range(2):  # the second time they are there
        fetch.download_files(address, tmp_path / "new")
        assert all((tmp_path / "new" / name).read_bytes() == (folder / name).read_bytes() for name in fetch.FILES)


def test_another_file_of_that_name_is_not_kept(repository: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = repository
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"another data set")
    with pytest.raises(Failure, match=r"t10k-images-idx3-ubyte\.gz"):
        fetch.download_files(address, tmp_path / "new")
    assert not (tmp_path / "new" / "t10k-images-idx3-ubyte.gz").exists()


def test_no_network_is_one_sentence_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEATHERLIGHT_DATA", str(tmp_path))
    monkeypatch.setattr("featherlight.data.fashion_mnist.DEBIAN", tmp_path)
    monkeypatch.setattr(fetch, "REPOSITORY", "http://127.0.0.1:1/")
    monkeypatch.setattr("os.getuid", lambda: 1000)
    monkeypatch.chdir(tmp_path)
    assert fetch.main() == 1
    assert "could not be downloaded" in capsys.readouterr().err


def test_without_root_or_apt_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("nothing should be run"))
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert not fetch.install_debian_package()
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert not fetch.install_debian_package()
