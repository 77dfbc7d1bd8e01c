from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from featherlight.errors import BadInput, Failure
from featherlight.pretrained import create_model, save
from featherlight.pretrained.repository import fetch_file, fetch_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def serve_from(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub's client find it on this machine; nothing listens at port 1."""
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A local hub with one repository, me/shoes, and the folder that holds its files."""
    folder = tmp_path / "hub"
    folder.mkdir()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            repository, _, rest = self.path.lstrip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            if repository == "me/secret":
                self.refuse(403, "GatedRepo")
            elif repository != "me/shoes":
                self.refuse(404, "RepoNotFound")
            elif revision not in ("main", "v1", COMMIT):
                self.refuse(404, "RevisionNotFound")
            elif not (folder / name).is_file():
                self.refuse(404, "EntryNotFound")
            else:
                content = (folder / name).read_bytes()
                self.send_response(200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

        def refuse(self, code: int, reason: str) -> None:
            self.send_response(code)
            self.send_header("X-Error-Code", reason)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        serve_from(http.server_address[1], monkeypatch)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["me/shoes", "me/shoes@v1", f"me/shoes@{COMMIT}"])
def test_a_network_on_the_hub_is_a_name(hub: Path, tmp_path: Path, name: str) -> None:
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, in_chans=1, size=28).eval()
    save(hub, model, label_names=["left", "right"], preprocessing={"input_size": [1, 28, 28]})
    again = create_model(f"hf-hub:{name}", pretrained=True, cache_dir=tmp_path / "chosen").eval()
    images = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(again(images), model(images))
    assert (tmp_path / "chosen").is_dir()
    assert not (tmp_path / "cache").exists()


def test_what_came_once_is_here_without_the_hub(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(hub, create_model("squeezenet_1_1", num_classes=2), label_names=["a", "b"], preprocessing={})
    first = fetch_folder("me/shoes", tmp_path / "chosen")
    serve_from(1, monkeypatch)
    assert fetch_folder("me/shoes", tmp_path / "chosen") == first


def test_weights_may_come_in_the_older_form(hub: Path) -> None:
    model = create_model("squeezenet_1_1", num_classes=2)
    save(hub, model, label_names=["a", "b"], preprocessing={})
    (hub / "model.safetensors").unlink()
    torch.save(model.state_dict(), hub / "pytorch_model.bin")
    again = create_model("hf-hub:me/shoes", pretrained=True)
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in again.state_dict().items())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("me/boots", r"hub repository me/boots does not exist, or is private"),
        ("me/shoes@v9", r"hub repository me/shoes has no revision v9"),
        ("me/shoes", r"hub repository me/shoes has no file config\.json"),
        ("me/secret", r"hub repository me/secret is not open to everyone"),
        ("me/shoes/left", r"hub repository must be named org/repo or org/repo@revision; got 'me/shoes/left'"),
        ("", r"hub repository must be named"),
        ("../../etc", r"hub repository must be named"),
    ],
)
def test_what_the_hub_does_not_have_is_one_sentence(hub: Path, name: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        create_model(f"hf-hub:{name}", pretrained=True)
    assert "\n" not in str(caught.value)


def test_no_hub_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve_from(1, monkeypatch)
    with pytest.raises(
        Failure,
        match=r"the hub cannot be reached .*refused.*, and config\.json of me/shoes has not been downloaded before",
    ):
        fetch_file("me/shoes", "config.json", cache_dir=tmp_path)
