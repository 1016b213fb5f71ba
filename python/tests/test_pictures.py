"""Pictures: what becomes of files, Pillow's images and arrays."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest
from conftest import DIGITS, HEADS, IMAGES, pillow

import vitc
from vitc import _scores


def test_preprocesses_arrays(model: vitc.Model, pixels, images) -> None:
    for i in (0, 17, 359):
        found = model.preprocess(pixels[i])
        assert found.shape == (3, 32, 32) and found.dtype == numpy.float32
        assert numpy.abs(found - images[i]).max() < 1e-6


def test_takes_rows_at_any_distance(model: vitc.Model) -> None:
    large = numpy.random.default_rng(1).integers(0, 256, (90, 70, 3), numpy.uint8)
    crop = large[10:60, 5:65]
    expected = model.preprocess(crop.copy())
    assert numpy.array_equal(model.preprocess(crop), expected)
    flipped = numpy.ascontiguousarray(crop[::-1])[::-1]
    assert numpy.array_equal(model.preprocess(flipped), expected)
    mirrored = numpy.ascontiguousarray(crop[:, ::-1])[:, ::-1]
    assert numpy.array_equal(model.preprocess(mirrored), expected)
    turned = numpy.ascontiguousarray(crop.transpose(1, 0, 2)).transpose(1, 0, 2)
    assert numpy.array_equal(model.preprocess(turned), expected)


def test_writes_where_it_is_told(model: vitc.Model, pixels) -> None:
    batch = numpy.zeros((3, 3, 32, 32), numpy.float32)
    assert numpy.shares_memory(model.preprocess(pixels[5], out=batch[1]), batch)
    assert numpy.array_equal(batch[1], model.preprocess(pixels[5]))
    assert not batch[[0, 2]].any()
    with pytest.raises(ValueError, match="contiguous"):
        model.preprocess(pixels[5], out=numpy.zeros((3, 32, 64), numpy.float32)[:, :, ::2])


@pytest.mark.parametrize(
    ("picture", "error", "words"),
    [
        (numpy.zeros((4, 4), numpy.uint8), ValueError, "repeat grey"),
        (numpy.zeros((4, 4, 4), numpy.uint8), ValueError, "RGBA"),
        (numpy.zeros((3, 8, 9), numpy.uint8), ValueError, "channels come first"),
        (numpy.zeros((0, 4, 3), numpy.uint8), ValueError, "expected"),
        (numpy.zeros((4, 4, 3), numpy.float32), TypeError, "expected uint8"),
    ],
)
def test_refuses_arrays(model: vitc.Model, picture, error, words) -> None:
    with pytest.raises(error, match=words):
        model.preprocess(picture)


def test_says_why_there_is_no_preprocessing(compiled, tmp_path: Path) -> None:
    case = json.loads((HEADS / "index.json").read_text())
    (tmp_path / "config.json").write_text(case["cases"][0]["config"])
    weights = (HEADS / "weights" / "vit.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "PerceiverImageProcessor"}'
    )
    with vitc.load(compiled("--target", "v2", model=tmp_path)) as model:
        assert model.info.refusal
        with pytest.raises(vitc.VitError, match="Perceiver"):
            model.preprocess(numpy.zeros((16, 16, 3), numpy.uint8))


def test_says_that_pillow_is_missing(model: vitc.Model, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'vitc\[pictures\]'"):
        model.preprocess(DIGITS / "images" / "digit-3-0013.png")
    with pytest.raises(ImportError, match="Pillow"):
        model.classify(["photo.jpg"])


def test_scores_by_rule() -> None:
    logits = numpy.array([[1000, 999, -1000], [0, 0, 0]], numpy.float32)
    softmax = _scores.scores(logits, "softmax")
    assert numpy.allclose(softmax[0], [1 / (1 + numpy.exp(-1)), 1 / (1 + numpy.exp(1)), 0])
    assert numpy.allclose(softmax[1], 1 / 3)
    assert numpy.allclose(_scores.scores(logits, "sigmoid"), [[1, 1, 0], [0.5, 0.5, 0.5]])
    assert numpy.array_equal(_scores.scores(logits, "identity"), logits)
    # Of equal scores the lower index comes first.
    assert [found.index for found in _scores.top(softmax[1], 2, [])] == [0, 1]
    assert _scores.top(softmax[0], 9, ["a"])[2].label == "class 2"


def test_classifies_arrays(model: vitc.Model, pixels, logits) -> None:
    answers = model.classify(list(pixels), top=1, batch=50)
    right = sum(
        answer[0].index == label
        for answer, label in zip(answers, numpy.load(DIGITS / "test-labels.npy"), strict=True)
    )
    assert right == 354
    expected = _scores.scores(logits, "softmax").max(axis=1)
    found = numpy.array([answer[0].score for answer in answers])
    assert numpy.abs(found - expected).max() < 1e-5


def test_embeds_arrays(several: Path, pixels, images) -> None:
    with vitc.load(several, threads=2) as model:
        expected = model(images, outputs=["features", "tokens"])
        for batch in (1, 7, 360, 1000):
            assert numpy.allclose(
                model.embed(pixels[:20], batch=batch), expected["features"][:20], atol=1e-5
            )
        one = model.embed(pixels[3])
        assert one.shape == (64,) and numpy.allclose(one, expected["features"][3], atol=1e-5)
        assert model.embed([]).shape == (0, 64)
        assert model.embed(iter(pixels[:3]), output="tokens").shape == (3, 65, 64)
        with pytest.raises(ValueError, match="batch is 0"):
            model.embed(pixels[:3], batch=0)


def test_refuses_what_is_no_embedding(model: vitc.Model, pixels) -> None:
    with pytest.raises(ValueError, match="none of the outputs logits is an embedding"):
        model.embed(pixels[:3])
    assert model.embed(pixels[:3], output="logits").shape == (3, 10)
    with pytest.raises(ValueError, match="top is 0"):
        model.classify(pixels[:3], top=0)


def test_refuses_models_without_scores(compiled, pixels) -> None:
    with vitc.load(compiled("--head", "none")) as model:
        with pytest.raises(ValueError, match="no class scores; its outputs are features"):
            model.classify(pixels[:1])
        assert model.embed(pixels[:2]).shape == (2, 64)


def test_says_which_picture_was_wrong(model: vitc.Model, pixels) -> None:
    pictures = [pixels[0], pixels[1], pixels[2][..., 0], pixels[3]]
    with pytest.raises(ValueError, match="repeat grey") as caught:
        model.classify(pictures, batch=2)
    assert caught.value.__notes__ == ["picture 2, from 0"]


# ---- With Pillow ---------------------------------------------------------------------------------


def test_classifies_photos_as_pytorch(model: vitc.Model) -> None:
    Image = pillow()
    expected = json.loads((DIGITS / "expected.json").read_text())
    paths = [DIGITS / "images" / name for name in expected]
    opened = [Image.open(path) for path in paths]
    read = [path.read_bytes() for path in paths]
    for pictures in (paths, [str(path) for path in paths], opened, read):
        for name, answer in zip(expected, model.classify(pictures, top=2, batch=4), strict=True):
            assert answer[0].label == expected[name]["label"]
            assert abs(answer[0].score - expected[name]["probability"]) < 1e-5
    single = model.classify(paths[0])
    assert single[0].label == "zero" and len(single) == 5


@pytest.mark.parametrize("name", ["softmax", "multi-label", "regression", "one-class", "timm"])
def test_classifies_as_transformers(head, name: str) -> None:
    pillow()
    library, expected = head(name)
    with vitc.load(library) as model:
        found = model.classify(HEADS / "photo.png", top=100)
    assert [answer.label for answer in found] == [answer["label"] for answer in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert abs(mine.score - theirs["score"]) < 1e-4


@pytest.mark.parametrize(
    "path", sorted(path for path in IMAGES.iterdir() if path.suffix in (".png", ".jpg"))
)
@pytest.mark.parametrize("orient", [False, True])
def test_sees_what_the_command_sees(head, program: str, path: Path, orient: bool) -> None:
    """The command holds its decoders to Pillow bit by bit; here both meet in a model."""
    pillow()
    library, _ = head("softmax")
    options = ["--orient"] if orient else []
    said = subprocess.run(
        [program, "run", library, path, "--json", *options], capture_output=True, text=True
    )
    with vitc.load(library) as model, warnings.catch_warnings():
        warnings.simplefilter("ignore", vitc.TransparencyWarning)
        if said.returncode != 0:
            pytest.skip(f"the command refuses it: {said.stderr.strip()[:80]}")
        found = model.classify(path, orient=orient)
    wanted = json.loads(said.stdout)[0]["predictions"]
    assert [answer.index for answer in found] == [answer["index"] for answer in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        assert abs(mine.score - theirs["probability"]) < 1e-9


def test_warns_of_transparency(model: vitc.Model) -> None:
    Image = pillow()
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    with pytest.warns(vitc.TransparencyWarning, match="transparency of the picture is ignored"):
        model.preprocess(clear)
    model.preprocess(Image.new("RGBA", (8, 8), (10, 20, 30, 255)))


def test_puts_on_white(compiled) -> None:
    Image = pillow()
    with vitc.load(compiled(model=HEADS.parent / "encoders" / "clip")) as model:
        assert model.info.puts_on_white
        found = model.preprocess(Image.new("RGBA", (8, 8), (10, 20, 30, 0)))
        white = model.preprocess(numpy.full((8, 8, 3), 255, numpy.uint8))
        assert numpy.array_equal(found, white)


def test_refuses_files(model: vitc.Model, tmp_path: Path) -> None:
    Image = pillow()
    with pytest.raises(FileNotFoundError):
        model.preprocess(tmp_path / "absent.png")
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.png' is no picture"):
        model.preprocess(text)
    with pytest.raises(ValueError, match="no picture that Pillow knows"):
        model.preprocess(b"no picture")
    photo = tmp_path / "photo.png"
    Image.effect_noise((64, 64), 50).save(photo)
    cut = tmp_path / "cut.png"
    cut.write_bytes(photo.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"cut\.png' is damaged"):
        model.preprocess(cut)
    with pytest.raises(TypeError, match="expected a path"):
        model.preprocess(7)  # type: ignore[arg-type]
