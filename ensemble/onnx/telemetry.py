"""ONNX Runtime tells its maker nothing."""

from __future__ import annotations

import os


def no_telemetry() -> None:
    """Keep onnxruntime from writing an identifier under the home folder and from calling home.

    It looks once, when it is imported. Who has set ``ORT_DISABLE_TELEMETRY`` has decided.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
