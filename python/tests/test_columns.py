"""What the adapters for engines do with a column of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

import vitc
from vitc import _columns


def test_embeds_columns(several: Path, pixels, images) -> None:
    pytest.importorskip("PIL", reason="bytes are read by Pillow")
    column = numpy.empty(6, object)
    column[:] = [pixels[0], None, pixels[1], pixels[2][..., 0], b"no picture", pixels[3]]
    with vitc.load(several, threads=1) as model:
        expected = model(images[[0, 1, 3]])["features"]
        for batch in (1, 3, 32):
            found = _columns.embed(model, column, batch=batch, on_error="nan")
            assert found.shape == (6, 64) and found.dtype == numpy.float32
            assert numpy.isnan(found[[1, 3, 4]]).all()
            assert numpy.allclose(found[[0, 2, 5]], expected, atol=1e-5)
        assert numpy.isnan(_columns.embed(model, [None], on_error="nan")).all()
        assert _columns.embed(model, [], on_error="nan").shape == (0, 64)
        with pytest.raises(TypeError, match="found NoneType, expected a path"):
            _columns.embed(model, column)
        with pytest.raises(ValueError, match="on_error is 'skip'"):
            _columns.embed(model, column, on_error="skip")  # type: ignore[arg-type]


def test_ray_adapter_without_ray(several: Path, pixels, images) -> None:
    import vitc.ray

    embed = vitc.ray.Embed(several, column="p", into="v", keep=True)
    found = embed({"p": pixels[:4], "row": numpy.arange(4)})
    assert list(found) == ["p", "row", "v"]
    with vitc.load(several) as model:
        assert numpy.allclose(found["v"], model(images[:4])["features"], atol=1e-5)
    assert list(vitc.ray.Embed(several, column="p")({"p": pixels[:2]})) == ["vector"]
