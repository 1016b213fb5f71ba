"""Arrays in, arrays out: values, sharing of memory, and what is refused."""

from __future__ import annotations

import array
import subprocess
from pathlib import Path
from typing import Any

import numpy
import pytest

import vitc
from vitc import Status, VitError, _arrays

SHAPE = (3, 32, 32)


def test_agrees_with_pytorch(model: vitc.Model, images, logits) -> None:
    found = model(images)["logits"]
    assert found.shape == (360, 10) and found.dtype == numpy.float32
    scale = numpy.sqrt((logits.astype(float) ** 2).mean())
    assert numpy.abs(found - logits).max() / scale < 2e-5


def test_agrees_with_the_command(several: Path, program: str, images, tmp_path: Path) -> None:
    numpy.save(tmp_path / "x.npy", images[:5])
    names = ("logits", "features", "tokens")
    outputs = [part for name in names for part in ("-o", f"{name}={tmp_path}/{name}.npy")]
    subprocess.run([program, "run", several, "-i", tmp_path / "x.npy", *outputs], check=True)
    with vitc.load(several) as model:
        found = model(images[:5])
    assert list(found) == list(names)
    for name in names:
        assert numpy.array_equal(found[name], numpy.load(tmp_path / f"{name}.npy"))


def test_a_single_image_has_no_batch(several: Path, images) -> None:
    with vitc.load(several, threads=1) as model:
        many = model(images[:3])
        one = model(images[1])
    assert one["logits"].shape == (10,) and one["tokens"].shape == (65, 64)
    for name, value in one.items():
        assert numpy.array_equal(value, many[name][1])


def test_no_images_are_no_error(several: Path, images) -> None:
    with vitc.load(several, threads=1) as model:
        found = model(images[:0])
    assert {name: value.shape for name, value in found.items()} == {
        "logits": (0, 10), "features": (0, 64), "tokens": (0, 65, 64)
    }


def test_returns_the_outputs_asked_for(several: Path, images) -> None:
    with vitc.load(several, threads=1) as model:
        everything = model(images[:2])
        some = model(images[:2], outputs=["tokens", "logits"])
        assert list(some) == ["tokens", "logits"]
        for name, value in some.items():
            assert numpy.array_equal(value, everything[name])
        assert list(model(images[:2], outputs="features")) == ["features"]
        with pytest.raises(ValueError, match="no output 'pooler', but 'logits', 'features'"):
            model(images[:2], outputs=["pooler"])


class OnlyDLPack:
    """An array that speaks DLPack alone."""

    def __init__(self, values: numpy.ndarray) -> None:
        self._values = values

    def __dlpack__(self, **options: Any) -> Any:
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._values.__dlpack_device__()


def test_shares_memory_where_it_can(images) -> None:
    for value in (images[:4], OnlyDLPack(images[:4]), memoryview(images[:4])):
        found, is_single, _, _ = _arrays.images(value, [SHAPE])
        assert numpy.shares_memory(found, images) and not is_single
        assert found.shape == (4, *SHAPE)


def test_takes_arrays_of_every_kind(model: vitc.Model, images) -> None:
    expected = model(images[:4])["logits"]
    flat = array.array("f", images[:4].tobytes())
    shaped = memoryview(flat).cast("B").cast("f", (4, *SHAPE))
    read_only = images[:4].copy()
    read_only.flags.writeable = False
    odd = numpy.frombuffer(b"\0" + images[:4].tobytes(), numpy.uint8)[1:]
    unaligned = odd.view(numpy.float32).reshape(4, *SHAPE)
    assert not unaligned.flags.aligned
    for value in (
        OnlyDLPack(images[:4]), shaped, read_only, unaligned, numpy.asfortranarray(images[:4])
    ):
        assert numpy.array_equal(model(value)["logits"], expected)
    backwards = images[:4][::-1]
    assert numpy.array_equal(model(backwards)["logits"], expected[::-1])


def test_writes_to_places(several: Path, images) -> None:
    with vitc.load(several, threads=1) as model:
        expected = model(images[:3])
        place = numpy.full((5, 10), numpy.nan, numpy.float32)
        found = model(images[:3], out={"logits": place[1:4]})
        assert numpy.shares_memory(found["logits"], place)
        assert numpy.array_equal(place[1:4], expected["logits"])
        assert numpy.isnan(place[[0, 4]]).all()
        assert numpy.array_equal(found["tokens"], expected["tokens"])
        single = numpy.empty(10, numpy.float32)
        model(images[0], out={"logits": single})
        assert numpy.array_equal(single, expected["logits"][0])


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        (numpy.empty((2, 10), numpy.float32), ValueError, r"shape \[2, 10\], expected \[3, 10\]"),
        (numpy.empty((3, 10)), TypeError, "is float64, expected float32"),
        (numpy.empty((10, 3), numpy.float32).T, ValueError, "not a contiguous array"),
        (numpy.zeros((3, 20), numpy.float32)[:, :10], ValueError, "not a contiguous array"),
    ],
)
def test_refuses_places(model: vitc.Model, images, place, error, words) -> None:
    with pytest.raises(error, match=words):
        model(images[:3], out={"logits": place})


def test_refuses_places_that_overlap(model: vitc.Model, images) -> None:
    both = images[:3].copy()
    with pytest.raises(ValueError, match="overlaps the images"):
        model(both, out={"logits": both.reshape(-1)[:30].reshape(3, 10)})
    with pytest.raises(ValueError, match="no output 'tokens' to write"):
        model(both, out={"tokens": numpy.empty((3, 10), numpy.float32)})


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (numpy.zeros((2, *SHAPE)), TypeError, "float64, expected float32"),
        (numpy.zeros((2, *SHAPE), numpy.uint8), TypeError, "preprocess"),
        (numpy.zeros((2, *SHAPE), ">f4"), TypeError, "expected float32"),
        (numpy.zeros((2, 32, 32, 3), numpy.float32), ValueError, "channels come last"),
        (numpy.zeros((2, 3, 32, 31), numpy.float32), ValueError, r"\[2, 3, 32, 31\], expected"),
        (numpy.zeros((3072,), numpy.float32), ValueError, r"expected \[n, 3, 32, 32\]"),
        (numpy.zeros((1, 1, *SHAPE), numpy.float32), ValueError, "expected"),
        (numpy.ma.masked_array(numpy.zeros(SHAPE, numpy.float32)), TypeError, "masked"),
        ([[0.0]], TypeError, "found a list"),
        ("photo.jpg", TypeError, "found a str"),
        (None, TypeError, "found a NoneType"),
        (7, TypeError, "found an int"),
    ],
)
def test_refuses_images(model: vitc.Model, value, error, words) -> None:
    with pytest.raises(error, match=words):
        model(value)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
def test_refuses_images_that_are_not_finite(model: vitc.Model, images, value) -> None:
    wrong = images[:4].copy()
    wrong[2, 1, 5, 7] = value
    with pytest.raises(ValueError, match="image 2 of 4 holds"):
        model(wrong)
    model(wrong, check=False)


def test_takes_images_whose_sum_is_not_finite() -> None:
    huge = numpy.full((1, 4), 3e38, numpy.float32)
    assert _arrays.not_finite(huge) is None


def test_tells_results_that_are_not_finite(model: vitc.Model, images) -> None:
    # Finite, but their squares are not.
    huge = images[:2] * numpy.float32(1e30)
    with pytest.raises(VitError, match="output 'logits' holds") as caught:
        model(huge)
    assert caught.value.status == Status.NOT_FINITE
