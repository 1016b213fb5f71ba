"""Models for images of several sizes: shapes choose, pictures too, and the bits are one size's."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy
import pytest
from conftest import ROOT

import vitc
from vitc import _columns

SIZES = [(16, 16), (24, 32)]
FOLDERS = ROOT / "Tests" / "Goldens"


def noise(count: int, height: int, width: int) -> numpy.ndarray:
    random = numpy.random.default_rng(height)
    return random.standard_normal((count, 3, height, width)).astype(numpy.float32)


@pytest.fixture(scope="session")
def sized(compiled) -> Path:
    """transformers' ViT for 16 x 16 and 24 x 32 pixels."""
    return compiled(
        "--image-size", "16,24x32", "--outputs", "logits,tokens", "--target", "v2",
        model=FOLDERS / "hf" / "vit",
    )  # fmt: skip


@pytest.fixture(scope="session")
def grids(compiled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SigLIP 2 NaFlex, whose preprocessing keeps the aspect of pictures."""
    folder = tmp_path_factory.mktemp("naflex") / "model"
    shutil.copytree(FOLDERS / "encoders" / "siglip2", folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 9}
        )
    )
    return compiled("--image-size", "auto:17,aspect<=3", "--target", "v2", model=folder)


def alone(compiled, height: int, width: int) -> Path:
    return compiled(
        "--image-size", f"{height}x{width}", "--outputs", "logits,tokens", "--target", "v2",
        model=FOLDERS / "hf" / "vit",
    )  # fmt: skip


def test_says_its_sizes(sized: Path, digits: Path) -> None:
    with vitc.load(sized, threads=1) as model:
        assert model.sizes == tuple(SIZES)
        assert [size.input.shape for size in model.info.sizes] == [(3, 16, 16), (3, 24, 32)]
        assert model.info.sizes[0].outputs == model.info.outputs
        tokens = [size.outputs[1].shape[0] for size in model.info.sizes]
        assert tokens[0] < tokens[1]
        assert model.info.sizes[0].flops < model.info.sizes[1].flops
        assert "[3, 16, 16] or [3, 24, 32]" in repr(model)
    with vitc.load(digits, threads=1) as model:
        assert model.sizes == ((32, 32),)


def test_the_shape_picks_the_size(sized: Path, compiled) -> None:
    with vitc.load(sized, threads=2) as model:
        for height, width in SIZES:
            images = noise(3, height, width)
            with vitc.load(alone(compiled, height, width), threads=1) as other:
                expected = other(images)
            found = model(images)
            assert list(found) == ["logits", "tokens"]
            for name, value in expected.items():
                assert numpy.array_equal(found[name], value)
            one = model(images[1], outputs=["tokens"])["tokens"]
            assert numpy.array_equal(one, expected["tokens"][1])
            place = numpy.empty(expected["logits"].shape, numpy.float32)
            model(images, outputs=["logits"], out={"logits": place})
            assert numpy.array_equal(place, expected["logits"])
        with pytest.raises(ValueError, match=r"one of the sizes 16 x 16, 24 x 32$"):
            model(noise(1, 32, 24))
        with pytest.raises(ValueError, match="channels come last"):
            model(numpy.zeros((1, 24, 32, 3), numpy.float32))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_sizes_run_together(sized: Path, threads: int) -> None:
    images = [noise(1, *SIZES[i % 3 % 2])[0] * (1 + i) for i in range(7)]
    with vitc.load(sized, threads=threads) as model:
        found = model.mixed(iter(images))
        for image, results in zip(images, found):
            for name, value in model(image).items():
                assert numpy.array_equal(results[name], value)
        assert model.mixed([]) == []
        assert list(model.mixed(images[:1], outputs="logits")[0]) == ["logits"]
        with pytest.raises(ValueError, match="image 1 holds nan"):
            model.mixed([images[0], numpy.full((3, 24, 32), numpy.nan, numpy.float32)])
        with pytest.raises(ValueError, match="image 0 has a dimension too many"):
            model.mixed([noise(2, 16, 16)])
        copy = pickle.loads(pickle.dumps(model))
        assert numpy.array_equal(copy(images[0])["logits"], found[0]["logits"])
        copy.close()


def test_one_size_is_mixed_too(several: Path, images: numpy.ndarray) -> None:
    with vitc.load(several, threads=2) as model:
        expected = model(images[:4])
        for number, results in enumerate(model.mixed(images[:4])):
            for name, value in results.items():
                assert numpy.array_equal(value, expected[name][number])


def test_pictures_of_a_size(sized: Path, compiled) -> None:
    picture = numpy.random.default_rng(3).integers(0, 256, (40, 50, 3), numpy.uint8)
    with vitc.load(sized, threads=1) as model:
        assert model.preprocess(picture).shape == (3, 16, 16)
        for size in SIZES:
            with vitc.load(alone(compiled, *size), threads=1) as other:
                expected = other.preprocess(picture)
            assert numpy.array_equal(model.preprocess(picture, size=size), expected)
            bgr = numpy.ascontiguousarray(picture[..., ::-1])
            found = model.preprocess_pixels(bgr, "bgr", size=size)
            assert numpy.array_equal(found, expected)
        with pytest.raises(ValueError, match=r"size is \(32, 24\), expected .* \(24, 32\)"):
            model.preprocess(picture, size=(32, 24))
        with pytest.raises(ValueError, match="'tokens' has another shape for each size"):
            model.embed([picture], output="tokens")
        assert len(model.classify([picture, picture], top=2)) == 2


def test_pictures_pick_their_size(grids: Path) -> None:
    random = numpy.random.default_rng(4)
    shapes = [(40, 40), (30, 50), (500, 300), (60, 80)]
    pictures = [random.integers(0, 256, (*shape, 3), numpy.uint8) for shape in shapes]
    expected = [(3, 16, 16), (3, 12, 20), (3, 20, 12), (3, 12, 16)]
    with vitc.load(grids, threads=2) as model:
        assert len(model.sizes) == 9
        images = [model.preprocess(picture) for picture in pictures]
        assert [image.shape for image in images] == expected
        turned = model.preprocess_pixels(pictures[1], orientation=6)
        assert turned.shape == (3, 20, 12)
        vectors = model.embed(pictures, batch=3)
        name = model.embedding_output()
        for vector, image in zip(vectors, images):
            assert numpy.array_equal(vector, model(image)[name])
        column = _columns.embed(model, [*pictures, b"none"], on_error="nan", batch=3)
        assert numpy.array_equal(column[:4], vectors) and numpy.isnan(column[4]).all()
        with pytest.raises(vitc.VitError, match="none of the sizes"):
            model.preprocess(random.integers(0, 256, (40, 500, 3), numpy.uint8))


def test_compiles_sizes(program: str) -> None:
    from vitc._compile import arguments

    def value(size: object) -> str:
        options = arguments(image_size=size)  # type: ignore[arg-type]
        return options[options.index("--image-size") + 1]

    assert value(224) == "224x224"
    assert value((224, 160)) == "224x160"
    assert value([224, (518, 392)]) == "224x224,518x392"
    assert value("auto:256,aspect<=2") == "auto:256,aspect<=2"
