"""Models for the tests, compiled once by the vitc that the environment variable VITC names."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import vitc
from vitc import _binary

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
HEADS = ROOT / "Tests" / "Goldens" / "heads"
IMAGES = ROOT / "Tests" / "ImagesTests" / "Fixtures"


def pytest_configure(config: Any) -> None:
    # Threads and forks of the tests are meant; what is deprecated is fork with threads in general.
    config.addinivalue_line("filterwarnings", "ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(scope="session")
def program() -> str:
    """The program vitc."""
    return _binary.find()


@pytest.fixture(scope="session")
def compiled(program: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles the digits with options, once for each set of them."""
    made: dict[tuple[str, ...], Path] = {}

    def compile(*options: str, model: Path = DIGITS / "model") -> Path:
        key = (str(model), *options)
        if key not in made:
            path = tmp_path_factory.mktemp("models") / "libdigits.so"
            subprocess.run(
                [program, "compile", str(model), "-o", str(path), "-q", *options], check=True
            )
            made[key] = path
        return made[key]

    return compile


@pytest.fixture(scope="session")
def digits(compiled: Callable[..., Path]) -> Path:
    """The trained digit classifier: logits [10] of images [3, 32, 32]."""
    return compiled()


@pytest.fixture(scope="session")
def several(compiled: Callable[..., Path]) -> Path:
    """The digit classifier with three outputs."""
    return compiled("--outputs", "logits,features,tokens")


@pytest.fixture
def model(digits: Path) -> Iterator[vitc.Model]:
    """The digit classifier, loaded with two threads."""
    with vitc.load(digits, threads=2) as model:
        yield model


@pytest.fixture(scope="session")
def pixels() -> numpy.ndarray:
    """The digits' test split: RGB uint8 [360, 32, 32, 3]."""
    grey = numpy.load(DIGITS / "test-images.npy")
    return numpy.repeat(grey[..., None], 3, axis=3)


@pytest.fixture(scope="session")
def images(pixels: numpy.ndarray) -> numpy.ndarray:
    """The same as the model's input, by the recipe of examples/digits/README.md."""
    scaled = (pixels.astype(numpy.float64) / 255 - 0.5) / 0.5
    return numpy.ascontiguousarray(scaled.transpose(0, 3, 1, 2).astype(numpy.float32))


@pytest.fixture(scope="session")
def logits() -> numpy.ndarray:
    """PyTorch's logits of the test split."""
    return numpy.load(DIGITS / "test-logits.npy")


@pytest.fixture(scope="session")
def head(
    compiled: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, list[dict[str, Any]]]]:
    """Compiles one of the goldens' folders with a head; its library and transformers' answer."""
    index = json.loads((HEADS / "index.json").read_text())

    @functools.cache
    def make(name: str) -> tuple[Path, list[dict[str, Any]]]:
        case = next(case for case in index["cases"] if case["name"] == name)
        folder = tmp_path_factory.mktemp("head")
        (folder / "config.json").write_text(case["config"])
        (folder / "preprocessor_config.json").write_text(index["processor"])
        shutil.copy(HEADS / "weights" / f"{case['weights']}.safetensors", folder)
        os.rename(folder / f"{case['weights']}.safetensors", folder / "model.safetensors")
        return compiled("--target", "v2", model=folder), case["answer"]

    return make


def pillow() -> Any:
    """Pillow's Image, or a skip."""
    return pytest.importorskip("PIL.Image", reason="reading pictures takes Pillow")
