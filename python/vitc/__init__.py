"""Vision Transformers compiled to native libraries, in Python.

    import vitc

    m = vitc.load("libdigits.so")
    m.classify("photo.jpg")                     # labels and scores
    m.embed(["a.jpg", "b.jpg"])                 # vectors [2, d]
    m(m.preprocess("photo.jpg"))["logits"]      # arrays in, arrays out

A model may be used from any thread and any process; README.md of the package has the rules.
"""

from __future__ import annotations

from ._compile import compile, load_pretrained
from ._info import Info, Scores, SelfTest, Size, Stats, TensorInfo
from ._model import Model, load
from ._pictures import Picture
from ._scores import Prediction
from ._version import __version__
from .errors import ClosedError, CompileError, CompileWarning, Status, TransparencyWarning, VitError

__all__ = [
    "ClosedError",
    "CompileError",
    "CompileWarning",
    "Info",
    "Model",
    "Picture",
    "Prediction",
    "Scores",
    "SelfTest",
    "Size",
    "Stats",
    "Status",
    "TensorInfo",
    "TransparencyWarning",
    "VitError",
    "__version__",
    "compile",
    "load",
    "load_pretrained",
]
