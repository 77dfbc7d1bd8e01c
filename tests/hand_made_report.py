"""A report made by hand: what no machine has measured, but always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from featherlight.cost import Bandwidth, Ceilings
from featherlight.explain import Finding
from featherlight.explain.profile import Profile, Row
from featherlight.predict import Calibration, ClassMetrics, Evaluation, Mistake
from featherlight.report.contents import Chapter, Fact, Mark, Report
from featherlight.timing import Machine, Measurement, Target

MACHINE = Machine("Made-up CPU", 4, ("avx2", "fma"), "Linux x86_64")
TARGET = Target("onnxruntime", "1.0", 2, "f32", 1, MACHINE)
CEILINGS = Ceilings(50e9, (Bandwidth(1 << 18, 90e9), Bandwidth(1 << 28, 11e9)))
HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>\"'&"

UNEQUAL = Finding("G1", "rows.1.project.conv", 6.0, 5_000, 0.1)
GROUPED = Finding("G2", "rows.1.expand.conv", 3.0, 9_000, 0.2)
FRAGMENTED = Finding("G3", "rows.1", 6.0, 20_000, 0.4)
FINDINGS = (UNEQUAL, GROUPED, FRAGMENTED)


def row(name: str, kind: str, block: str, seconds: float, *findings: Finding) -> Row:
    """A step that multiplies, unless it is a pooling or an addition."""
    multiply_adds = 0 if kind in ("average pooling", "addition") else int(seconds * 9e9)
    return Row(name, kind, block, 1, seconds, 100, multiply_adds, 2_000, 8_000, seconds / 3, "memory", findings)


PROFILE = Profile(
    name="mobilenet_v2",
    input_shape=(1, 3, 32, 32),
    measurement=Measurement(TARGET, 1.0e-3, 0.9e-3, 1.4e-3, 200, noisy=False),
    rows=(
        row("stem.conv", "convolution 3x3", "stem", 0.10e-3),
        row("rows.1.expand.conv", "pointwise convolution 1x1", "rows.1", 0.20e-3, GROUPED, FRAGMENTED),
        row("rows.1.depthwise.conv", "depthwise convolution 3x3", "rows.1", 0.15e-3, FRAGMENTED),
        row("rows.1.project.conv", "pointwise convolution 1x1", "rows.1", 0.25e-3, UNEQUAL, FRAGMENTED),
        row("rows.1", "addition", "rows.1", 0.02e-3, FRAGMENTED),
        row("head.pool", "average pooling", "head", 0.03e-3),
        row("head.classifier", "linear", "head", 0.05e-3),
    ),
    remainder=0.20e-3,
    findings=FINDINGS,
    ceilings=CEILINGS,
    preparing=None,
)


def evaluation(labels: tuple[str, ...] = ("cat", "dog", HOSTILE)) -> Evaluation:
    """Three of four right in each class; the fourth is taken for the next one."""
    count = len(labels)
    confusion = 3 * np.eye(count, dtype=np.int64) + np.roll(np.eye(count, dtype=np.int64), 1, 1)
    following = dict(zip(labels, (*labels[1:], labels[0]), strict=True))
    return Evaluation(
        source="result",
        data="photos",
        split="test",
        seed=0,
        target=TARGET,
        label_names=labels,
        images=4 * count,
        top1=0.75,
        top5=1.0,
        interval=(0.6, 0.85),
        classes=tuple(ClassMetrics(label, 4, 0.75, 0.75) for label in labels),
        confusion=confusion,
        calibration=Calibration(0.04, ()),
        images_per_second=1000.0,
        worst=tuple(Mistake(f"photos/{at}.png", label, following[label], 0.9) for at, label in enumerate(labels)),
        broken=(),
    )


def mark(name: str, family: str, milliseconds: float, accuracy: float | None = None) -> Mark:
    """A candidate of a fit for 1 ms; one with an accuracy was trained for a short heat."""
    seconds = milliseconds / 1000
    of = "" if accuracy is None else "of the validation images, after a short heat"
    verdict = "fits" if milliseconds < 1 else "too slow"
    spread = (0.95 * seconds, 1.1 * seconds)
    return Mark(name, family, seconds, *spread, "onnxruntime", 1, verdict, accuracy, of, final=accuracy is None)


MARKS = (
    replace(
        mark("mobilenet_v2 0.5x", "mobilenet_v2", 0.8, 0.9), chosen=True, final=True, of="of the validation images"
    ),
    mark("shufflenet_v2 0.5x", "shufflenet_v2", 0.5, 0.7),
    mark("squeezenet_1_1", "squeezenet", 0.3),
    mark("mobilenet_v2 1x", "mobilenet_v2", 1.6),
)


def chapter(name: str = "result") -> Chapter:
    """All that a chapter can hold."""
    return Chapter(
        source=name,
        title="mobilenet_v2 0.5x at 32",
        lead="The best of four.",
        label="",
        budget=1e-3,
        marks=MARKS,
        facts=(Fact("Right on test images", "90.0 %", "validation images: 89.7 %"),),
        profile=PROFILE,
        evaluation=evaluation(),
        pictures=("data:image/png;base64,iVBORw0KGgo=", "", ""),
        commands=("featherlight fit photos --budget 1ms --out result", "featherlight report result"),
    )


def report(*chapters: Chapter) -> Report:
    """A report of these chapters."""
    return Report(chapters, MACHINE, {"featherlight": "0.1.0", "onnxruntime": "1.0"}, "2026-01-31")
