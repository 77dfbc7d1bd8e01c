"""What the journal keeps of a stage is all of it."""

from __future__ import annotations

import json

import pytest

from featherlight.fitting.stage import Entrant, Judged, Stage
from featherlight.predict import Exported
from featherlight.predict.agreement import Agreement
from featherlight.timing import Measurement, Target, this_machine

TIME = Measurement(Target("openvino", "1", 2, "f32", 1, this_machine()), 1e-3, 0.9e-3, 1.1e-3, 9, False)
EXPORTED = Exported("model.onnx", 99, "photos", True, Agreement(1, 1, 0.0, 1e-4))
CUT = {"name": "rows.1.channels", "before": 24, "after": 16}
JUDGED = Judged(Entrant("found", 28, "", table=(CUT,)), TIME, "fits", 0.9, 0.8, 1000, 2000, EXPORTED)


@pytest.mark.parametrize("judged", [JUDGED, None])
def test_a_stage_is_read_back_from_a_journal(judged: Judged | None) -> None:
    stage = Stage("search", 12.5, judged is not None, "" if judged else "nothing was found", judged)
    event = json.loads(json.dumps({"event": "stage", "name": "search", **stage.to_json()}))
    assert Stage.from_json(event, this_machine()) == stage


def test_its_figures_are_those_of_its_network() -> None:
    figures = Stage("search", 12.5, True, "", JUDGED).figures()
    assert (figures["network"], figures["validation_accuracy"], figures["test_accuracy"]) == ("found", 0.9, 0.8)
    assert (figures["time"]["median"], figures["time"]["p90"], figures["table"]) == (1e-3, 1.1e-3, [CUT])
    assert Stage("search", 0.0, False, "none", None).figures()["network"] is None
