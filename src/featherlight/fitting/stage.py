"""What each stage of a fit bought: the network that it made, judged, and whether it is the one in the folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from featherlight.fitting.effort import StageName
from featherlight.fitting.select import Verdict
from featherlight.fitting.time_candidates import measured_from_json, measured_to_json
from featherlight.predict import Exported
from featherlight.predict.agreement import Agreement
from featherlight.timing import Machine, Measurement


@dataclass(frozen=True)
class Entrant:
    """A trained network that a stage made, before it was judged.

    name          in words, such as "shufflenet_v2 1x at 28, shrunk"
    architecture  the registered one that it is a form of, "" where it is none
    width         of it as the registry knows it; None where its channels were chosen one by one
    weights       the public weights that it started from, None where it was trained from scratch
    table         what is special about its channels, as rows for a reader
    """

    name: str
    size: int
    architecture: str
    width: float | None = None
    weights: str | None = None
    table: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Judged:
    """A network, its time (seconds for one image), and how often it is right (top-1, 0 to 1).

    verdict       whether it keeps the budget, its 90th percentile, and the limits
    memory_bytes  of the weights and the activations that are alive at once; `weights_bytes` is its file's
    """

    entrant: Entrant
    measurement: Measurement
    verdict: Verdict
    validation_accuracy: float
    test_accuracy: float
    weights_bytes: int
    memory_bytes: int
    exported: Exported

    def to_json(self) -> dict[str, Any]:
        """All of it but the machine that it was timed on."""
        return {**vars(self), "entrant": asdict(self.entrant), "measurement": measured_to_json(self.measurement),
                "exported": asdict(self.exported)}  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any], machine: Machine) -> Judged:
        """The one that `to_json` told of."""
        entrant, exported = document["entrant"], document["exported"]
        fields = {
            **document,
            "entrant": Entrant(**{**entrant, "table": tuple(entrant["table"])}),
            "measurement": measured_from_json(document["measurement"], machine),
            "exported": Exported(**{**exported, "agreement": Agreement(**exported["agreement"])}),
        }
        return cls(**fields)


@dataclass(frozen=True)
class Stage:
    """A stage that has ended.

    seconds  of training that it had
    kept     its network took the place of the one before
    note     why not, or why there is none; else ""
    """

    name: StageName
    seconds: float
    kept: bool
    note: str
    judged: Judged | None

    def to_json(self) -> dict[str, Any]:
        """What the journal keeps of it, beside its name."""
        return {"seconds": self.seconds, "kept": self.kept, "note": self.note,
                "judged": self.judged.to_json() if self.judged else None}  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any], machine: Machine) -> Stage:
        """The one that `to_json` told of, and the journal its name."""
        judged = document["judged"] and Judged.from_json(document["judged"], machine)
        return cls(document["name"], document["seconds"], document["kept"], document["note"], judged)

    def figures(self) -> dict[str, Any]:
        """What fit.json shows of it."""
        figures: dict[str, Any] = {"name": self.name, "kept": self.kept, "note": self.note, "seconds": self.seconds}
        if self.judged is None:
            return figures | {"network": None}
        judged = self.judged
        return figures | {
            "network": judged.entrant.name,
            "architecture": judged.entrant.architecture,
            "verdict": judged.verdict,
            "time": measured_to_json(judged.measurement),
            "validation_accuracy": judged.validation_accuracy,
            "test_accuracy": judged.test_accuracy,
            "table": list(judged.entrant.table),
        }
