"""What loading a library tells, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import numpy
import pytest

import vitc
from vitc import Status, VitError


def test_says_what_the_model_is(model: vitc.Model, digits: Path) -> None:
    info = model.info
    assert model.path == str(digits)
    assert (info.name, info.model) == ("digits", "vit_tiny_patch16_224")
    assert (info.input.name, info.input.shape) == ("images", (3, 32, 32))
    assert [(output.name, output.shape) for output in info.outputs] == [("logits", (10,))]
    assert info.scores == "softmax"
    assert info.parameters == 158_090
    assert info.isa in info.isas and len(info.weights_hash) == 32
    assert info.refusal is None and not info.puts_on_white
    assert model.labels[:2] == ("zero", "one") and len(model.labels) == 10
    assert "vit_tiny_patch16_224" in repr(model) and "logits [10]" in repr(model)


def test_says_the_version(program: str) -> None:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"vitc {vitc.__version__}"


def test_selftest_passes(model: vitc.Model) -> None:
    found = model.selftest()
    assert found and found.passed and 0 <= found.error <= found.limit


def test_selftest_is_absent(compiled) -> None:
    with vitc.load(compiled("--no-self-test")) as model:
        with pytest.raises(VitError) as caught:
            model.selftest()
    assert caught.value.status == Status.NO_SELFTEST


def test_selftest_finds_damage(compiled, tmp_path: Path) -> None:
    library = compiled("--weights-file", "--name", "damaged")
    folder = library.parent
    weights = bytearray((folder / "damaged.weights").read_bytes())
    # Ones where weights were, from the middle on, behind a header that still fits.
    middle = len(weights) // 8 * 4
    count = (len(weights) - middle) // 4
    weights[middle:] = numpy.ones(count, "<f4").tobytes()
    other = tmp_path / "other.weights"
    other.write_bytes(weights)
    with vitc.load(library) as model:
        assert model.selftest().passed
    with vitc.load(library, weights=other) as model:
        assert not model.selftest()


def test_refuses_what_is_no_library(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vitc.load(tmp_path / "absent.so")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        vitc.load(tmp_path)
    text = tmp_path / "text.so"
    text.write_text("no library")
    empty = tmp_path / "empty.so"
    empty.write_bytes(b"")
    whole = digits.read_bytes()
    arm = tmp_path / "arm.so"
    other = b"\x3e\x00" if whole[18:20] == b"\xb7\x00" else b"\xb7\x00"
    arm.write_bytes(whole[:18] + other + whole[20:])
    for path, words in (
        (text, "not a shared library"),
        (empty, "not a shared library"),
        (arm, "it is a library for"),
        (Path("/dev/null"), "not a regular file"),
    ):
        with pytest.raises(VitError, match=words) as caught:
            vitc.load(path)
        assert caught.value.status == Status.NOT_A_MODEL
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("part", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_refuses_truncated_libraries(digits: Path, tmp_path: Path, part: float) -> None:
    whole = digits.read_bytes()
    path = tmp_path / "cut.so"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(VitError, match="truncated"):
        vitc.load(path)


def test_refuses_other_libraries() -> None:
    import numpy._core._multiarray_umath as other

    with pytest.raises(VitError, match="not a model compiled by vitc"):
        vitc.load(other.__file__)


def test_refuses_wrong_options(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads is -1"):
        vitc.load(digits, threads=-1)
    with pytest.raises(TypeError):
        vitc.load(digits, threads=1.5)  # type: ignore[arg-type]
    with pytest.raises(VitError, match="v9"):
        vitc.load(digits, isa="v9")


def test_refuses_absent_weights(compiled, tmp_path: Path) -> None:
    library = compiled("--weights-file", "--name", "apart")
    with pytest.raises(VitError) as caught:
        vitc.load(library, weights=tmp_path / "absent.weights")
    assert caught.value.status == Status.WEIGHTS_UNREADABLE
    assert "absent.weights" in str(caught.value)


def test_chooses_the_instruction_set(digits: Path) -> None:
    with vitc.load(digits, isa="v2") as model:
        assert model.info.isa == "x86-64-v2"


def test_takes_the_file_that_is_there_now(program: str, images, tmp_path: Path) -> None:
    """The dynamic linker remembers paths; a library that was compiled again is another one."""
    path = tmp_path / "libagain.so"

    def compile(seed: int) -> None:
        model = ["vit_tiny_patch16_224", "--weights", f"seed:{seed}", "--image-size", "32"]
        subprocess.run(
            [program, "compile", *model, "-o", path, "-q", "--target", "v2", "--no-self-test"],
            check=True,
        )

    compile(1)
    first = vitc.load(path, threads=1)
    before = first(images[:1])["logits"]
    compile(2)
    second = vitc.load(path, threads=1)
    after = second(images[:1])["logits"]
    assert first.info.weights_hash != second.info.weights_hash
    assert not numpy.array_equal(before, after)
    # The first one is still what it was, and the file is loaded once.
    assert numpy.array_equal(first(images[:1])["logits"], before)
    third = vitc.load(path, threads=1)
    assert third.info.weights_hash == second.info.weights_hash


def test_closes(digits: Path, images) -> None:
    model = vitc.load(digits, threads=1)
    model(images[:1])
    model.close()
    model.close()
    for use in (
        lambda: model(images[:1]),
        lambda: model.selftest(),
        lambda: model.preprocess(numpy.zeros((4, 4, 3), numpy.uint8)),
        lambda: model(images[:0]),
    ):
        with pytest.raises(vitc.ClosedError, match="was closed"):
            use()
    assert model.info.model == "vit_tiny_patch16_224"


def test_pickles_as_path_and_options(digits: Path, images) -> None:
    with vitc.load(digits, threads=1, isa="v2") as model:
        data = pickle.dumps(model)
        assert len(data) < 1000
        with pickle.loads(data) as copy:
            assert (copy.path, copy.threads, copy.info.isa) == (model.path, 1, "x86-64-v2")
            assert numpy.array_equal(
                copy(images[:2])["logits"], model(images[:2])["logits"]
            )


def test_errors_pickle() -> None:
    error = pickle.loads(pickle.dumps(VitError("text", Status.NO_THREADS)))
    assert (str(error), error.status) == ("text", Status.NO_THREADS)
    unknown = VitError("text", 4711)
    assert unknown.status == 4711
    compile_error = pickle.loads(pickle.dumps(vitc.CompileError("text", 64)))
    assert (str(compile_error), compile_error.code) == ("text", 64)
