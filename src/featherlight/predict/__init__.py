"""A trained network put to use: loaded, asked about photographs, exported and held against its export."""

from featherlight.predict.agreement import Agreement, check_export
from featherlight.predict.classifier import Classifier, Prediction
from featherlight.predict.load_classifier import load
from featherlight.predict.write_onnx import Exported, export

__all__ = ["Agreement", "Classifier", "Exported", "Prediction", "check_export", "export", "load"]
