"""A trained network put to use: loaded, asked about photographs, evaluated, exported and held against its export."""

from featherlight.predict.agreement import Agreement, check_export
from featherlight.predict.classifier import Classifier
from featherlight.predict.compiled_classifier import CompiledClassifier
from featherlight.predict.evaluation import SPLITS, Evaluation, Mistake, evaluate
from featherlight.predict.load_classifier import load
from featherlight.predict.metrics import Calibration, ClassMetrics, ReliabilityBin
from featherlight.predict.prediction import Prediction
from featherlight.predict.write_onnx import Exported, export

__all__ = [
    "SPLITS",
    "Agreement",
    "Calibration",
    "ClassMetrics",
    "Classifier",
    "CompiledClassifier",
    "Evaluation",
    "Exported",
    "Mistake",
    "Prediction",
    "ReliabilityBin",
    "check_export",
    "evaluate",
    "export",
    "load",
]
