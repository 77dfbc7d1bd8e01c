"""Checkpoints of a run under way: written whole, checked when read, the one before kept in case."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from featherlight import files
from featherlight.errors import BadInput
from featherlight.journal import Journal
from featherlight.training.plan import Plan, differences

PLAN = "plan.json"
JOURNAL = "checkpoints.jsonl"
KEPT = 2  # the newest, and one for the case that it is damaged
EVERY = 60.0  # seconds between two checkpoints


class Checkpoints:
    """A folder of checkpoints of one run.

    every    seconds of work that a crash may cost
    say      is told, as a sentence, what a user should know: a damaged checkpoint, a full disk
    """

    def __init__(self, folder: Path, every: float = EVERY, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder, self.every, self._say = folder, every, say
        self.master = True  # of several processes one writes
        self._journal = Journal(folder / JOURNAL)

    def plan(self, request: Mapping[str, Any]) -> Plan | None:
        """The plan of the run that was begun here; None where there is none.

        Raises BadInput, with each difference, where that run was asked for something else than `request`.
        """
        path = self.folder / PLAN
        if not path.exists():
            return None
        try:
            document = json.loads(path.read_bytes())
            begun, plan = document["request"], Plan.from_json(document["plan"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path} is damaged ({error}); remove {self.folder} and start anew") from error
        # through JSON and back, in which form the other one comes
        if found := list(differences(begun, json.loads(json.dumps(request)))):
            raise BadInput(f"the run in {self.folder} cannot go on, for it differs: {'; '.join(found)}")
        return plan

    def begin(self, request: Mapping[str, Any], plan: Plan) -> None:
        """Note what a run was asked for and what it will do. What lies here without a plan is not its own, and goes."""
        if self.master:
            self.clear()
            files.write_json(self.folder / PLAN, {"request": request, "plan": plan.to_json()})

    def write(self, step: int, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Keep the state after `step` steps. A disk that is full costs this checkpoint and nothing else."""
        if not self.master:
            return
        path = self.folder / f"step-{step:08d}.safetensors"
        try:
            with files.replacing(path) as temporary:
                safetensors.torch.save_file(
                    {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
                    temporary,
                    metadata={"about": json.dumps(about)},
                )
            self._journal.append("checkpoint", step=step, file=path.name, sha256=files.sha256(path))
        except (OSError, safetensors.SafetensorError) as error:
            self._say(f"no checkpoint at step {step}: {error}; the one before stands, and training goes on")
            return
        self._remove({event["file"] for event in self._journal.read()[-KEPT:]})

    def newest(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The tensors and what was said about them, of the newest checkpoint that is whole; None without one.

        One whose contents are not what was written is passed over, aloud.
        """
        damaged = 0
        for event in reversed(self._journal.read()):
            path = self.folder / event["file"]
            if not path.exists():
                continue
            if files.sha256(path) == event["sha256"]:
                with safetensors.safe_open(path, "pt") as file:
                    about = json.loads(file.metadata()["about"])
                    return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
            damaged += 1
            self._say(f"{path} is damaged; trying the checkpoint before it")
        if damaged:
            self._say("no checkpoint is whole: starting again")
        return None

    def clear(self) -> None:
        """Remove all checkpoints; a plan stays."""
        self._remove(set())
        self._journal.path.unlink(missing_ok=True)

    def _remove(self, kept: set[str]) -> None:
        """Remove the checkpoints but for those, and what a killed process left half-written."""
        for path in (*self.folder.glob("step-*.safetensors"), *self.folder.glob(".*.part")):
            if path.name not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()
