"""Compiling from Python: options, the cache, and what vitc refuses."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest
from conftest import DIGITS

import vitc
from vitc import _binary, _compile

SMALL: dict[str, Any] = {"weights": "seed:1", "image_size": 32, "target": "v2", "self_test": False}
NAME = "vit_tiny_patch16_224"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path: Path) -> Path:
    """An empty cache for each test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("VITC_CACHE", str(folder))
    return folder / "libraries"


@pytest.fixture
def counted(program: str, monkeypatch, tmp_path: Path) -> Path:
    """A file that gets a line for each time vitc is started."""
    log = tmp_path / "starts"
    log.write_text("")
    run = subprocess.run

    def counting(command: list[str], *rest: Any, **options: Any) -> Any:
        with log.open("a") as file:
            file.write(" ".join(map(str, command)) + "\n")
        return run(command, *rest, **options)

    monkeypatch.setattr(_compile.subprocess, "run", counting)
    return log


def starts(log: Path) -> int:
    return len(log.read_text().splitlines())


def test_compiles_a_folder_once(counted: Path, cache: Path, images, logits) -> None:
    with vitc.compile(DIGITS / "model", threads=1) as model:
        assert model.path.startswith(str(cache)) and model.threads == 1
        assert numpy.abs(model(images)["logits"] - logits).max() < 1e-4
        first = model.path
    with vitc.compile(str(DIGITS / "model")) as model:
        assert model.path == first
    assert starts(counted) == 1
    with vitc.compile(DIGITS / "model", precision="bf16") as model:
        assert model.path != first
    assert starts(counted) == 2
    assert not list(cache.glob(".unfinished*"))


def test_the_key_is_what_the_files_hold(counted: Path, tmp_path: Path, images) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(DIGITS / "model", folder)
    with vitc.compile(DIGITS / "model", name="digits") as model:
        first = model(images[:4])["logits"]
    os.utime(folder / "model.safetensors")
    with vitc.compile(folder, name="digits"):
        pass
    assert starts(counted) == 1
    # One weight of the head's bias, at the end of the file.
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = numpy.float32(7).tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    with vitc.compile(folder, name="digits") as model:
        assert not numpy.array_equal(model(images[:4])["logits"], first)
    assert starts(counted) == 2


def test_compiles_names_with_seeds(counted: Path) -> None:
    with vitc.compile(NAME, **SMALL) as one, vitc.compile(NAME, **SMALL | {"weights": "seed:2"}) as two:
        assert one.info.input.shape == (3, 32, 32)
        assert one.info.weights_hash != two.info.weights_hash
    assert starts(counted) == 2


def test_hands_options_on(tmp_path: Path) -> None:
    output = tmp_path / "libsmall.so"
    with vitc.compile(
        NAME, output=output, outputs=["features", "tokens"], precision="int8", name="small",
        **SMALL | {"image_size": (32, 48)}, keep={"blocks.0.mlp.act": "bf16"}, fast_matmul=False,
    ) as model:
        assert model.path == str(output)
        assert model.info.name == "small" and model.info.input.shape == (3, 32, 48)
        assert [output.name for output in model.info.outputs] == ["features", "tokens"]
        assert model.info.isas == ("x86-64-v2",)
        steps = {step["name"]: step.get("precision") for step in model.info.details["steps"]}
        assert steps["blocks.0.mlp.act"] == "bf16" and steps["blocks.1.mlp.act"] == "s8"
    assert (tmp_path / "small.h").is_file()


def test_writes_options_as_the_command_has_them() -> None:
    assert _compile.arguments(
        precision="int8", attention="int8", outputs="features", image_size=384, classes=7,
        head=False, numerics="hf", scores="sigmoid", max_error=0.015, keep={"a.b": "f32"},
        ignore=["x*", "y"], target="v3", name="n", weights_file=True, fast_matmul=False, self_test=False,
    ) == [
        "--precision", "int8", "--outputs", "features", "--image-size", "384x384",
        "--attention", "int8", "--num-classes", "7", "--numerics", "hf", "--scores", "sigmoid",
        "--max-error", "0.015",
        "--target", "v3", "--name", "n", "--keep", "a.b=f32", "--ignore", "x*", "--ignore", "y",
        "--head=none", "--weights-file", "--no-fast-matmul", "--no-self-test",
    ]  # fmt: skip


def test_calibrates(counted: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="the photos are made by Pillow")
    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    for i, path in enumerate(sorted((DIGITS / "images").glob("*.png"))[:4]):
        Image.open(path).save(photos / f"{i}.png")
    options: dict[str, Any] = {"precision": "bf16", "calibrate": photos, "target": "v3"}
    vitc.compile(DIGITS / "model", **options).close()
    vitc.compile(DIGITS / "model", **options).close()
    assert starts(counted) == 1
    Image.new("RGB", (32, 32), (1, 2, 3)).save(photos / "9.png")
    vitc.compile(DIGITS / "model", **options).close()
    assert starts(counted) == 2


def test_raises_what_the_command_says(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(vitc.CompileError, match="vit_tiny_patch16_22") as caught:
        vitc.compile("vit_tiny_patch16_22", weights="seed:1")
    assert caught.value.code == 1
    with pytest.raises(vitc.CompileError, match="invalid") as caught:
        vitc.compile(NAME, precision="f7", weights="seed:1")  # type: ignore[arg-type]
    assert caught.value.code == 64
    with pytest.raises(TypeError, match="unexpected keyword argument 'sizes'"):
        vitc.compile(NAME, sizes=3, weights="seed:1")
    with pytest.raises(vitc.CompileError, match="model.safetensors"):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "config.json").write_text((DIGITS / "model/config.json").read_text())
        vitc.compile(tmp_path / "empty")
    assert not cache.exists() or not list(cache.iterdir())


def test_hands_warnings_on(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DIGITS / "model", folder)
    config = (folder / "config.json").read_text()
    # Labels of another head.
    (folder / "config.json").write_text(config.replace('"nine"', '"nine", "ten"'))
    with pytest.warns(vitc.CompileWarning, match="label"):
        vitc.compile(folder).close()


def test_refuses_what_is_no_model() -> None:
    with pytest.raises(TypeError, match=r"found builtins.int, expected a module of timm or"):
        vitc.compile(7)
    with pytest.raises(TypeError, match="processor"):
        vitc.compile(DIGITS / "model", processor=object())


def test_many_at_once_get_one_library(cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: vitc.compile(NAME, **SMALL), range(4)))
    assert len({model.path for model in models}) == 1
    assert len(list(cache.iterdir())) == 1
    for model in models:
        model.close()


def test_finds_the_program(monkeypatch, tmp_path: Path, program: str) -> None:
    monkeypatch.setenv("VITC", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError, match="which is no program"):
        _binary.find()
    monkeypatch.delenv("VITC")
    monkeypatch.setattr(_binary, "__file__", str(tmp_path / "package" / "_binary.py"))
    script = tmp_path / "first" / "vitc"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent))
    # A script of this name may be this package's own.
    with pytest.raises(FileNotFoundError, match="no program vitc"):
        _binary.find()
    second = tmp_path / "second"
    second.mkdir()
    (second / "vitc").symlink_to(Path(program).resolve())
    monkeypatch.setenv("PATH", f"{script.parent}:{second}")
    assert _binary.find() == str(second / "vitc")
    bundled = tmp_path / "package" / "bin"
    bundled.mkdir(parents=True)
    (bundled / "vitc").symlink_to(Path(program).resolve())
    assert _binary.find() == str(bundled / "vitc")


def test_is_the_command_too(program: str) -> None:
    package = Path(vitc.__file__).parents[1]
    environment = os.environ | {"VITC": program, "PYTHONPATH": str(package)}

    def module(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vitc", *arguments], env=environment, capture_output=True,
            text=True,
        )

    said = module("--version")
    assert (said.returncode, said.stdout) == (0, f"vitc {vitc.__version__}\n")
    assert module("compile", "--precision", "f7", "x").returncode == 64
    environment |= {"VITC": "", "PATH": ""}
    said = module("--version")
    assert said.returncode == 1 and "there is no program vitc" in said.stderr


def test_libraries_can_be_read_by_others(cache: Path) -> None:
    with vitc.compile(NAME, **SMALL) as model:
        folder = Path(model.path).parent
    assert stat.S_IMODE(folder.stat().st_mode) & 0o555 == 0o555
