"""From logits to labels, by the rule that the model's head was trained for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ._info import Scores


@dataclass(frozen=True)
class Prediction:
    """A class and its score."""

    label: str
    """The name of the class; "class 7" where no names are known."""
    score: float
    """How probable it is, between 0 and 1; the value itself where the rule is "identity"."""
    index: int
    """The class, from 0."""


def scores(logits: NDArray[numpy.float32], rule: Scores) -> NDArray[numpy.float64]:
    """The scores of logits [..., classes], in double precision.

    softmax: exp(x_i - max x) / sum_j exp(x_j - max x); sigmoid: 1 / (1 + exp(-x)); identity: x.
    """
    values = logits.astype(numpy.float64)
    if rule == "identity":
        return values
    with numpy.errstate(over="ignore", under="ignore"):
        if rule == "sigmoid":
            return 1 / (1 + numpy.exp(-values))
        powers = numpy.exp(values - values.max(axis=-1, keepdims=True))
        result: NDArray[numpy.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return result


def top(
    values: NDArray[numpy.float64], count: int, labels: Sequence[str]
) -> list[Prediction]:
    """The ``count`` highest scores of one picture, the highest first; of equal ones the one with
    the lower index."""
    order = numpy.argsort(-values, kind="stable")[:count]
    return [
        Prediction(
            labels[index] if index < len(labels) else f"class {index}", float(values[index]), index
        )
        for index in map(int, order)
    ]
