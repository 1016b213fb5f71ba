"""What a compiled model says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import _abi

Scores = Literal["softmax", "sigmoid", "identity"]
"""What makes scores of logits: probabilities of classes that exclude each other, of each class by
itself, or the values themselves."""


@dataclass(frozen=True)
class TensorInfo:
    """A tensor that crosses the interface: dense, row-major."""

    name: str
    """"images", "ids" of a text tower, or an output's: "logits", "features_unit", "layer11" and so on."""
    shape: tuple[int, ...]
    """For one image; the batch dimension comes first and is not counted."""
    dtype: Literal["float32", "float16", "int32"] = "float32"
    """The element type, as numpy names it."""


@dataclass(frozen=True)
class Size:
    """What a model is for images of one size; all sizes have the same weights."""

    height: int
    """Of the images, in pixels."""
    width: int
    """Of the images, in pixels."""
    input: TensorInfo
    """One image: channels, height, width."""
    outputs: tuple[TensorInfo, ...]
    """What a run returns; they have the same names for all sizes."""
    flops: int
    """Of one image, 2 for each multiply-add."""
    arena_bytes: int
    """Of activations, for each image in work."""


@dataclass(frozen=True)
class Info:
    """What a compiled model is: the fields of its C header's NAME_info."""

    name: str
    """The prefix of its C functions."""
    model: str
    """The variant, such as "vit_base_patch16_224"."""
    compiler_version: str
    """Of vitc."""
    target: str
    """Triple and instruction sets."""
    isas: tuple[str, ...]
    """The instruction sets that there is code for, the baseline first."""
    isa: str
    """The one that runs here; "" if the library is too old to say."""
    weights_hash: str
    """XXH3-128 of the packed weights, 32 hexadecimal digits."""
    input: TensorInfo
    """One image: channels, height, width; of a text tower the ids of one text."""
    outputs: tuple[TensorInfo, ...]
    """What a run returns."""
    scores: Scores | None
    """What makes scores of the output "logits"; None where there is none."""
    labels: tuple[str, ...]
    """The names of the classes; empty where the checkpoint had none."""
    parameters: int
    """Of the checkpoint's tensors that the model reads."""
    flops: int
    """Of one image, 2 for each multiply-add."""
    weights_bytes: int
    """Packed."""
    arena_bytes: int
    """Of activations, for each image in work."""
    sizes: tuple[Size, ...]
    """The sizes of images, of which ``input``, ``outputs``, ``flops`` and ``arena_bytes`` are of the
    first; empty of a text tower."""
    details: Mapping[str, Any]
    """Everything else: preprocessing, numerics, passes, steps. Any version may change it."""

    @property
    def refusal(self) -> str | None:
        """Why pictures cannot be preprocessed; None where they can."""
        reason = self.details.get("preprocessingRefusal")
        return None if reason is None else str(reason)

    @property
    def reads_texts(self) -> bool:
        """Whether it is a text tower, which reads ids."""
        return self.input.dtype == "int32"

    @property
    def puts_on_white(self) -> bool:
        """Whether transparent pictures are put on white, as the checkpoint's library does."""
        preprocessing = self.details.get("preprocessing")
        return isinstance(preprocessing, dict) and preprocessing.get("alpha") == "onWhite"

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of what a run executes, in order."""
        found = self.details.get("steps")
        steps = found if isinstance(found, list) else []
        return tuple(str(step.get("name", "")) for step in steps if isinstance(step, dict))

    def output(self, name: str) -> TensorInfo | None:
        """The output of this name, if there is one."""
        return next((output for output in self.outputs if output.name == name), None)


@dataclass(frozen=True)
class Stats:
    """What the contexts of a model did in this process."""

    runs: int
    """The runs that succeeded."""
    images: int
    """Their images, or texts."""
    nanoseconds: int
    """What they took, summed over threads."""
    steps: Mapping[str, int]
    """Of each step, by name and in order, the nanoseconds of the threads that called, waiting for
    others included; empty unless the model was loaded with ``step_times``."""


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found."""

    error: float
    """The largest difference from a stored value, relative to that value or to the root mean square
    of its output, whichever is larger; infinite if something is not a number."""
    limit: float
    """The largest error that passes."""

    @property
    def passed(self) -> bool:
        """Whether the model computes what it computed when it was compiled."""
        return self.error <= self.limit

    def __bool__(self) -> bool:
        return self.passed


_TYPES: Mapping[str, Literal["float32", "float16", "int32"]] = {"f16": "float16", "i32": "int32"}


def _tensor(tensor: Any) -> TensorInfo:
    return TensorInfo(
        _abi.text(tensor.name),
        tuple(tensor.shape[: tensor.rank]),
        _TYPES.get(_abi.text(tensor.dtype), "float32"),
    )


def _outputs(description: Any) -> tuple[TensorInfo, ...]:
    return tuple(_tensor(description.outputs[i]) for i in range(description.output_count))


def _sizes(descriptions: Sequence[Any]) -> tuple[Size, ...]:
    inputs = [(found, _tensor(found.input)) for found in descriptions]
    return tuple(
        Size(
            *tensor.shape[1:], tensor, _outputs(found), found.flops, found.arena_bytes
        )
        for found, tensor in inputs
        if len(tensor.shape) == 3
    )


def read(descriptions: Sequence[Any], isa: str) -> Info:
    """Copies the structs vit_description, one for each size."""
    description = descriptions[0]
    try:
        details = json.loads(_abi.text(description.json))
    except ValueError:
        details = {}
    details = details if isinstance(details, dict) else {}
    outputs = _outputs(description)
    isas = _abi.text(description.isas) if _abi.has(description, "isas") else ""
    scores: Scores | None = None
    if any(output.name == "logits" for output in outputs):
        # Libraries that do not say were compiled when there was only this.
        scores = "softmax"
        word = _abi.text(description.scores) if _abi.has(description, "scores") else ""
        if word == "sigmoid":
            scores = "sigmoid"
        elif word == "identity":
            scores = "identity"
        elif word != "" and word != "softmax":
            # A rule that this version does not know is not replaced by another.
            scores = None
    return Info(
        name=_abi.text(description.name),
        model=_abi.text(description.model),
        compiler_version=_abi.text(description.compiler_version),
        target=_abi.text(description.target),
        isas=tuple(isas.split(",")) if isas else (),
        isa=isa,
        weights_hash=_abi.text(description.weights_hash),
        input=_tensor(description.input),
        outputs=outputs,
        scores=scores,
        labels=tuple(str(label) for label in details.get("labels") or ()),
        parameters=description.parameters,
        flops=description.flops,
        weights_bytes=description.weights_bytes,
        arena_bytes=description.arena_bytes,
        sizes=_sizes(descriptions),
        details=details,
    )
