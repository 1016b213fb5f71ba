"""What contexts count, and pixels as they lie."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import numpy
import pytest

import vitc


def test_counts_runs_of_all_threads(digits: Path, images) -> None:
    model = vitc.load(digits, threads=1, step_times=True)
    assert model.stats() == vitc.Stats(0, 0, 0, {})
    plain = vitc.load(digits, threads=1)(images[:3])["logits"]
    assert numpy.array_equal(model(images[:3])["logits"], plain)
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        model(images[:2])
        ready.set()
        done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    stats = model.stats()
    done.set()
    thread.join()
    assert stats.runs == 2 and stats.images == 5 and stats.nanoseconds > 0
    assert tuple(stats.steps) == model.info.steps and len(stats.steps) > 10
    assert 0 < sum(stats.steps.values()) <= stats.nanoseconds
    copy = pickle.loads(pickle.dumps(model))
    copy(images[:1])
    assert len(copy.stats().steps) > 10
    quick = vitc.load(digits)
    quick(images[:1])
    assert quick.stats().images == 1 and quick.stats().steps == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_of_every_format(digits: Path, orientation: int) -> None:
    model = vitc.load(digits, threads=1)
    random = numpy.random.default_rng(orientation)
    rgba = random.integers(0, 256, (40, 52, 4), numpy.uint8)
    rgb = rgba[..., :3]
    turns = {
        1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1], 5: rgb.transpose(1, 0, 2),
        6: numpy.rot90(rgb, -1), 7: rgb[::-1, ::-1].transpose(1, 0, 2), 8: numpy.rot90(rgb),
    }  # fmt: skip
    expected = model.preprocess(numpy.ascontiguousarray(turns[orientation]))

    def found(pixels: numpy.ndarray, format: str) -> numpy.ndarray:
        return model.preprocess_pixels(pixels, format, orientation=orientation)

    assert numpy.array_equal(found(numpy.ascontiguousarray(rgb), "rgb"), expected)
    assert numpy.array_equal(found(rgba, "rgba"), expected)
    bgra = numpy.ascontiguousarray(rgba[..., [2, 1, 0, 3]])
    assert numpy.array_equal(found(bgra, "bgra"), expected)
    assert numpy.array_equal(found(numpy.ascontiguousarray(bgra[..., :3]), "bgr"), expected)
    # Rows from bottom to top, and with something between them.
    assert numpy.array_equal(found(numpy.ascontiguousarray(bgra[::-1])[::-1], "bgra"), expected)
    wide = numpy.zeros((40, 60, 4), numpy.uint8)
    wide[:, :52] = bgra
    assert numpy.array_equal(found(wide[:, :52], "bgra"), expected)
    grey = numpy.ascontiguousarray(rgb[..., 0])
    shown = found(grey, "grey")
    assert numpy.array_equal(shown, found(numpy.stack([grey] * 3, -1), "rgb"))
    # Without colour, NV12 is its luma stretched from 16...235.
    luma = random.integers(16, 236, (40, 52), numpy.uint8)
    nv12 = numpy.concatenate([luma, numpy.full((20, 52), 128, numpy.uint8)])
    stretched = ((luma.astype(int) - 16) * 76309 + 32768 >> 16).clip(0, 255).astype(numpy.uint8)
    assert numpy.array_equal(found(nv12, "nv12"), found(stretched, "grey"))


def test_refuses_what_are_no_pixels(digits: Path) -> None:
    model = vitc.load(digits, threads=1)
    good = numpy.zeros((4, 4, 3), numpy.uint8)
    with pytest.raises(ValueError, match="the format is 'yuv', expected one of 'rgb'"):
        model.preprocess_pixels(good, "yuv")
    with pytest.raises(ValueError, match=r"expected \[height, width, 4\] of 'bgra'"):
        model.preprocess_pixels(good, "bgra")
    with pytest.raises(ValueError, match="both even"):
        model.preprocess_pixels(numpy.zeros((5, 4), numpy.uint8), "nv12")
    with pytest.raises(TypeError, match="float32"):
        model.preprocess_pixels(good.astype(numpy.float32))  # type: ignore[arg-type]
    with pytest.raises(vitc.VitError, match="orientation is 9"):
        model.preprocess_pixels(good, orientation=9)
