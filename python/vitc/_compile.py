"""Compiling from Python: the program vitc, with a cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from . import _binary, _cache
from ._model import Model
from .errors import CompileError, CompileWarning

Precision = Literal["f32", "bf16", "int8"]


@dataclass
class Request:
    """What is compiled and how: the options of ``vitc compile`` under their own names."""

    model: str
    """A variant's name, with or without a tag, or a folder."""
    weights: str | None = None
    arguments: list[str] = field(default_factory=list)
    calibrate: str | None = None

    def command(self, output: Path) -> list[str]:
        """The arguments of vitc."""
        command = ["compile", self.model, "-o", str(output), *self.arguments]
        if self.weights is not None:
            command += ["--weights", self.weights]
        if self.calibrate is not None:
            command += ["--calibrate", self.calibrate]
        return command

    def key(self, compiler: str, content: bytes | None) -> _cache.Key:
        """What the library depends on; ``content`` stands for the model if it is given."""
        key = _cache.Key(_binary.digest(compiler), self.arguments)
        model = Path(self.model)
        if content is not None:
            key.add(b"content", content)
        elif model.exists():
            key.add(b"folder")
            key.add_input(model)
        else:
            key.add(b"name", self.model.encode())
        for name, path in ("weights", self.weights), ("calibrate", self.calibrate):
            if path is None:
                continue
            key.add(name.encode())
            if name == "weights" and path.startswith("seed:"):
                key.add(path.encode())
            elif Path(path).exists():
                key.add_input(Path(path), photos=name == "calibrate")
        return key


def arguments(
    *,
    precision: Precision = "f32",
    attention: Literal["int8"] | None = None,
    outputs: str | Sequence[str] | None = None,
    image_size: int | tuple[int, int] | Sequence[int | tuple[int, int]] | str | None = None,
    classes: int | None = None,
    head: bool = True,
    numerics: str | None = None,
    scores: str | None = None,
    max_error: float | None = None,
    keep: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    target: str | None = None,
    name: str | None = None,
    tower: str | None = None,
    text_length: int | None = None,
    weights_file: bool = False,
    fast_matmul: bool = True,
    self_test: bool = True,
) -> list[str]:
    """The options of ``vitc compile``, without inputs and output."""
    result = ["--precision", precision]
    if outputs is not None:
        result += ["--outputs", outputs if isinstance(outputs, str) else ",".join(outputs)]
    if image_size is not None:
        result += ["--image-size", _sizes(image_size)]
    for option, value in (
        ("--attention", attention),
        ("--num-classes", classes),
        ("--numerics", numerics),
        ("--scores", scores),
        ("--max-error", max_error),
        ("--target", target),
        ("--name", name),
        ("--tower", tower),
        ("--text-length", text_length),
    ):
        if value is not None:
            result += [option, str(value)]
    for operation, kept in (keep or {}).items():
        result += ["--keep", f"{operation}={kept}"]
    for pattern in ignore:
        result += ["--ignore", pattern]
    for option, wanted in (
        ("--head=none", not head),
        ("--weights-file", weights_file),
        ("--no-fast-matmul", not fast_matmul),
        ("--no-self-test", not self_test),
    ):
        if wanted:
            result.append(option)
    return result


def _sizes(sizes: Any) -> str:
    """The value of --image-size: N, (height, width), a list of these, or the option's own text."""
    if isinstance(sizes, str):
        return sizes
    if isinstance(sizes, int):
        return f"{sizes}x{sizes}"
    if isinstance(sizes, tuple) and len(sizes) == 2 and all(isinstance(n, int) for n in sizes):
        return "x".join(map(str, sizes))
    return ",".join(_sizes(size) for size in sizes)


def library_name(text: str) -> str:
    """The file name of a library for a model of this name or folder."""
    stem = re.sub(r"[^A-Za-z0-9]", "_", Path(text).name) or "model"
    return f"lib{stem}.so"


def run(
    request: Request,
    *,
    output: str | os.PathLike[str] | None = None,
    content: bytes | None = None,
    title: str | None = None,
    verbose: bool = False,
) -> Path:
    """Compiles, or finds what was compiled before; returns the library's path.

    output: where the library goes; None: the cache.
    content: stands for the model in the cache's key, where its folder is not the same each time.
    title: what the library is named after; None: the model.
    verbose: whether vitc's report is shown, on stderr.

    Raises CompileError with vitc's text; FileNotFoundError without vitc.
    """
    compiler = _binary.find()

    def make(path: Path) -> None:
        command = [compiler, *request.command(path)]
        if verbose:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
            if code != 0:
                raise CompileError(f"vitc ended with code {code}", code)
            return
        done = subprocess.run(
            [*command, "--quiet"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace",
        )
        text = done.stderr.strip()
        if done.returncode != 0:
            raise CompileError(text or f"vitc ended with code {done.returncode}", done.returncode)
        if text:
            warnings.warn(text, CompileWarning, stacklevel=4)

    if output is not None:
        path = Path(output)
        make(path)
        return path
    name = library_name(title or request.model)
    key = request.key(compiler, content)
    # The prefix of the C functions follows the name.
    key.add(name.encode())
    return _cache.library(key, name, make)


def compile(
    model: Any,
    *,
    weights: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    processor: Any = None,
    threads: int = 0,
    check: bool = True,
    verbose: bool = False,
    **options: Any,
) -> Model:
    """Compiles a model and loads it.

    model: a module of timm or transformers; a model folder as downloaded; or the name of a variant,
        alone or with a tag, with ``weights``.
    weights: a checkpoint, a folder with one, or "seed:N".
    output: where the library goes, with its header; None: into the cache, where it is found again
        as long as the model's bytes, the options and vitc are the same.
    calibrate: a folder of photos, for bf16 and int8.
    processor: of transformers, the image processor that belongs to the module.
    threads: as of ``load``.
    check: whether a module's outputs for a random image are compared with the library's.
    verbose: whether vitc's report is shown.
    options: ``precision`` ("f32", "bf16", "int8"), ``attention`` ("int8"), ``outputs`` ("logits",
        "features:unit", "layers:2+5", "attention:class", as ``vitc list outputs`` shows them),
        ``image_size`` (N or (height, width); a list of these for several in one library; "auto:256"
        as the option has it), ``classes``, ``head``, ``numerics``, ``scores``, ``max_error``, ``keep``
        ({operation: precision}), ``ignore``, ``target``, ``name``, ``tower`` ("text"),
        ``text_length``, ``weights_file``, ``fast_matmul``, ``self_test``: those of ``vitc compile``.

    The module counts as in eval mode, and is left as it was.

    Raises CompileError with vitc's text, or if the check fails; TypeError for what is no model;
    FileNotFoundError without vitc.
    """
    inputs = {
        "weights": None if weights is None else os.fspath(weights),
        "calibrate": None if calibrate is None else os.fspath(calibrate),
    }
    if isinstance(model, (str, os.PathLike)):
        if processor is not None:
            raise TypeError("a processor belongs to a module; a folder has its own")
        request = Request(os.fspath(model), arguments=arguments(**options), **inputs)
        path = run(request, output=output, title=options.get("name"), verbose=verbose)
        return Model(path, threads)
    from . import _modules

    if inputs["weights"] is not None:
        raise TypeError("a module has its own weights")
    saved = _modules.Saved(model, processor)
    try:
        options.setdefault("image_size", saved.image_size)
        request = Request(saved.folder, arguments=arguments(**options), **inputs)
        path = run(
            request, output=output, content=saved.digest(),
            title=options.get("name") or saved.title, verbose=verbose,
        )  # fmt: skip
    finally:
        shutil.rmtree(saved.folder, ignore_errors=True)
    compiled = Model(path, threads)
    if check:
        _modules.compare(model, compiled, least_precision(options))
    return compiled


def least_precision(options: Mapping[str, Any]) -> str:
    """The least precise numbers that a model compiled with these options multiplies."""
    return str(options.get("attention") or options.get("precision", "f32"))


def load_pretrained(name: str, **options: Any) -> Model:
    """Compiles a model of timm with its pretrained weights, such as "vit_tiny_patch16_224.augreg_in21k".

    timm downloads them, or finds them in its cache. ``options`` are those of ``compile``.
    """
    try:
        import timm
    except ImportError:
        raise ImportError("pretrained weights take timm: pip install timm") from None
    return compile(timm.create_model(name, pretrained=True), **options)
