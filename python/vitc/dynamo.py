"""``torch.compile(model, backend="vitc")``: whole encoders of timm and transformers by vitc.

A module whose forward is one graph of one tensor of images is compiled by ``vitc.compile``; anything
else runs as PyTorch runs it, and a ``FallbackWarning`` says why. What was compiled is compared with
the graph first, and is left again where weights change or another device or type comes.

    torch.compile(model, backend="vitc", options={"precision": "bf16", "threads": 2})

Where the package is installed, PyTorch finds the backend by its name; elsewhere ``import
vitc.dynamo`` first.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._dynamo import register_backend

from . import _modules
from ._compile import compile as compile_model, least_precision
from ._model import Model
from .errors import CompileError, VitError

__all__ = ["FallbackWarning", "vitc"]


class FallbackWarning(UserWarning):
    """A graph is run by PyTorch, for the reason that the text says."""


class _Refusal(Exception):
    """Why a graph is not compiled."""


@register_backend(name="vitc")  # type: ignore[untyped-decorator,unused-ignore]
def vitc(
    graph: torch.fx.GraphModule,
    inputs: Sequence[Any],
    *,
    options: dict[str, Any] | None = None,
    mode: str | None = None,
) -> Callable[..., Any]:
    """The backend; ``options`` are those of ``vitc.compile``."""
    try:
        return _Encoder(graph, inputs, dict(options or {})).run
    except (_Refusal, CompileError, VitError, TypeError, ValueError, OSError) as reason:
        _tell(str(reason))
        forward: Callable[..., Any] = graph.forward
        return forward


def _tell(reason: str) -> None:
    warnings.warn(f"run by PyTorch: {reason}", FallbackWarning, stacklevel=3)


class _Encoder:
    """A graph that a library computes."""

    def __init__(
        self, graph: torch.fx.GraphModule, inputs: Sequence[Any], options: dict[str, Any]
    ) -> None:
        """Raises _Refusal, or what compiling raises."""
        if torch.is_grad_enabled():
            raise _Refusal(
                "gradients are enabled, and a compiled model has none: use torch.inference_mode()"
            )
        self._graph = graph
        self._module = _root()
        if self._module.training:
            raise _Refusal("the module is in training mode: call eval()")
        self._place = self._images(inputs)
        images, arguments = self._example(inputs)
        precision = least_precision(options)
        options.setdefault("image_size", tuple(images.shape[-2:]))
        # The graph itself is what it is compared with, below.
        self._model: Model = compile_model(self._module, **options, check=False)
        self._weights = [*self._module.parameters(), *self._module.buffers()]
        self._versions = self._state()
        self._told: list[tuple[int, int]] | None = None
        with torch.inference_mode():
            expected = graph(*arguments)
        self._output = self._compare(images, expected, _modules.LIMITS[precision])

    def _images(self, inputs: Sequence[Any]) -> int:
        """The index of the only input that is no weight and no size."""
        known = {id(tensor) for tensor in self._module.parameters()}
        known |= {id(tensor) for tensor in self._module.buffers()}
        tensors = [
            index
            for index, value in enumerate(inputs)
            if isinstance(value, torch.Tensor) and id(value) not in known
        ]
        if len(tensors) != 1:
            raise _Refusal(f"the graph has {len(tensors)} inputs, expected the images alone")
        images = inputs[tensors[0]]
        if images.dtype != torch.float32 or images.device.type != "cpu" or images.ndim != 4:
            raise _Refusal(
                f"the input is {images.dtype} {list(images.shape)} on {images.device}, expected "
                "float32 images [n, channels, height, width] on the CPU"
            )
        return tensors[0]

    def _example(self, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Images of noise, and the graph's arguments with them: those that it was traced with have
        no numbers where sizes may vary."""
        count, *shape = inputs[self._place].shape
        sizes = {str(value): value for value in inputs if isinstance(value, torch.SymInt)}
        if any(isinstance(size, torch.SymInt) for size in shape) or len(sizes) > 1:
            raise _Refusal("the size of the images varies, expected that their number does alone")
        if isinstance(count, torch.SymInt):
            count = 2
        images = torch.randn(count, *shape, generator=torch.Generator().manual_seed(0))
        arguments = [count if isinstance(value, torch.SymInt) else value for value in inputs]
        arguments[self._place] = images
        return images, arguments

    def _compare(self, images: Any, expected: Any, limit: float) -> str:
        """The name of the output that is the graph's only one."""
        results = [value for value in expected if isinstance(value, torch.Tensor)]
        if len(results) != 1 or len(expected) != 1:
            raise _Refusal(f"the graph has {len(expected)} outputs, expected one tensor")
        errors = {
            name: _modules.difference(found, results[0])
            for name, found in self._model(images).items()
            if found.shape == results[0].shape
        }
        if not errors:
            raise _Refusal(
                f"the graph makes {list(results[0].shape)}, and the library "
                + ", ".join(str(output) for output in self._model.info.outputs)
            )
        name = min(errors, key=lambda name: errors[name])
        if not errors[name] <= limit:
            raise _Refusal(
                f"the library's {name} differ from the graph's by {errors[name]:.2g} relative to "
                f"their norm, expected at most {limit:g}"
            )
        return name

    def _state(self) -> list[tuple[int, int]]:
        # In inference mode tensors have no versions; what they hold does not change in place then.
        return [
            (tensor.data_ptr(), -1 if tensor.is_inference() else tensor._version)
            for tensor in self._weights
        ]

    def run(self, *inputs: Any) -> Any:
        """What the graph would return."""
        images = inputs[self._place]
        state = self._state()
        if self._versions != state:
            # Once for each change, not for each batch.
            if self._told != state:
                self._told = state
                _tell("the module's weights have changed since it was compiled")
            return self._graph(*inputs)
        return [self._model(images.detach(), outputs=[self._output])[self._output]]


def _root() -> torch.nn.Module:
    """The module whose forward is being compiled: ``self`` of the frame that Dynamo traces, which it
    keeps while it calls a backend."""
    frame = sys._getframe()
    while frame is not None:
        scope = getattr(frame.f_locals.get("self"), "local_scope", None)
        if isinstance(scope, dict):
            module = scope.get("self")
            if isinstance(module, torch.nn.Module):
                return module
            break
        frame = frame.f_back  # type: ignore[assignment]
    raise _Refusal("the graph is not that of a module's forward")
