"""Text towers: ids, the tokenizer inside, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy
import pytest

import vitc
from vitc import VitError

PROMPTS = Path(__file__).resolve().parents[2] / "Tests" / "Goldens" / "prompts"


@pytest.fixture(scope="module")
def text(compiled) -> vitc.Model:
    return vitc.load(compiled("--tower", "text", model=PROMPTS / "clip"), threads=1)


def test_says_what_it_reads(text: vitc.Model) -> None:
    assert text.info.reads_texts and text.info.input.name == "ids"
    assert text.info.input.dtype == "int32" and text.info.input.shape == (24,)


def test_agrees_with_the_command(text: vitc.Model, program: str, tmp_path: Path) -> None:
    texts = ["a photo of a cat", "zwei Hunde", "", "\u00e9\u4e00\U0001f600\0"]
    (tmp_path / "texts.txt").write_text("\n".join(texts[:3]) + "\n", encoding="utf-8")
    subprocess.run(
        [program, "run", text.path, "--texts", tmp_path / "texts.txt", "-o", tmp_path / "y.npy"],
        check=True,
    )
    ids = text.tokenize(texts)
    assert ids.shape == (4, 24) and ids.dtype == numpy.int32
    found = text(ids)["features"]
    assert numpy.array_equal(found[:3], numpy.load(tmp_path / "y.npy"))
    one = text.tokenize(texts[0])
    assert numpy.array_equal(one, ids[0])
    assert numpy.array_equal(text(one)["features"], found[0])
    # Other integers, and lists.
    for other in ids.astype(numpy.int64), ids.astype(numpy.uint16), ids.tolist():
        assert numpy.array_equal(text(other)["features"], found)


def test_long_texts_are_cut(text: vitc.Model) -> None:
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than 24 tokens, and are cut"):
        ids = text.tokenize(["one two " * 30, "a"])
    assert text(ids)["features"].shape[0] == 2


def test_refuses_what_is_no_text(text: vitc.Model, model: vitc.Model, images) -> None:
    ids = text.tokenize(["a"])
    for wrong, error, message in [
        (ids.astype(numpy.float32), TypeError, "the ids are float32, expected integers"),
        (ids[:, :5], ValueError, r"the ids have shape \[1, 5\], expected \[n, 24\] or \[24\]"),
        (ids.astype(numpy.int64) + (1 << 40), ValueError, "expected numbers of 32 bits"),
        (ids * 0 + 99999, VitError, "token 0 of text 0 is 99999, expected 0 to"),
    ]:
        with pytest.raises(error, match=message):
            text(wrong)
    with pytest.raises(TypeError, match="found int, expected a text"):
        text.tokenize([1])  # type: ignore[list-item]
    with pytest.raises(ValueError):
        text.tokenize("\ud800")
    with pytest.raises(ValueError, match="the model reads images, not texts"):
        model.tokenize("a")
    with pytest.raises(ValueError, match="the model reads texts, not pictures"):
        text.preprocess(images[0])


def test_a_tower_without_its_tokenizer(compiled) -> None:
    bare = PROMPTS.parent / "text" / "clip"
    with vitc.load(compiled("--tower", "text", model=bare), threads=1) as model:
        with pytest.raises(ValueError, match="the library holds no tokenizer: give it ids"):
            model.tokenize("a")
