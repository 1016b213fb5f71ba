"""A model for images of several sizes behind the server: shapes choose, the bits are vitc run's."""

import json
import subprocess

import numpy
import pytest
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

import library
from conftest import DIGITS, VITC

GOLDENS = DIGITS.parents[1] / "Tests" / "Goldens"


def compile(folder, model, *options):
    path = folder / "libsized.so"
    subprocess.run([VITC, "compile", model, "-o", path, "-q", "--target", "v2", *options], check=True)
    return path


@pytest.fixture(scope="module")
def sized(tmp_path_factory):
    """transformers' ViT for 16 x 16 and 24 x 32 pixels."""
    return compile(
        tmp_path_factory.mktemp("sized"), GOLDENS / "hf" / "vit",
        "--image-size", "16,24x32", "--outputs", "logits,tokens",
    )  # fmt: skip


def noise(count, height, width):
    random = numpy.random.default_rng(height)
    return random.standard_normal((count, 3, height, width)).astype(numpy.float32)


def infer(client, array, outputs=None, datatype="FP32"):
    one = http.InferInput("images", list(array.shape), datatype)
    one.set_data_from_numpy(array)
    wanted = [http.InferRequestedOutput(name) for name in outputs] if outputs else None
    return client.infer("sized", [one], outputs=wanted)


def test_shapes_choose(start, sized):
    server = start([f"sized={sized}"], "--delay", 20)
    with http.InferenceServerClient(server.address, concurrency=4) as client:
        metadata = client.get_model_metadata("sized")
        assert metadata["inputs"][0]["shape"] == [-1, 3, -1, -1]
        shapes = {one["name"]: one["shape"] for one in metadata["outputs"]}
        assert list(shapes) == ["logits", "tokens", "scores"]
        assert shapes["tokens"][:2] == [-1, -1] and shapes["scores"] == shapes["logits"]
        assert metadata["parameters"]["sizes"] == "16x16,24x32"
        # Several at once, so that batches hold both.
        arrays = [noise(2, 16, 16), noise(1, 24, 32), noise(3, 24, 32), noise(1, 16, 16)]
        waiting = []
        for array in arrays:
            one = http.InferInput("images", list(array.shape), "FP32")
            one.set_data_from_numpy(array)
            waiting.append(client.async_infer("sized", [one]))
        for array, answer in zip(arrays, waiting):
            found = answer.get_result()
            for name, value in library.outputs(sized, array, ["logits", "tokens"]).items():
                assert numpy.array_equal(found.as_numpy(name), value)
        with pytest.raises(InferenceServerException, match=r"\[n, 3, 16, 16\] or \[n, 3, 24, 32\]"):
            infer(client, noise(1, 32, 24))


def test_pictures_choose(start, tmp_path):
    model = tmp_path / "model"
    subprocess.run(["cp", "-r", GOLDENS / "encoders" / "siglip2", model], check=True)
    (model / "preprocessor_config.json").write_text(
        json.dumps(
            {"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 9}
        )
    )
    path = compile(tmp_path, model, "--image-size", "auto:17,aspect<=3")
    server = start([f"sized={path}"])
    random = numpy.random.default_rng(4)
    with http.InferenceServerClient(server.address) as client:
        for shape, size in [((40, 40), (16, 16)), ((30, 50), (12, 20)), ((500, 300), (20, 12))]:
            picture = random.integers(0, 256, (1, *shape, 3), numpy.uint8)
            features = infer(client, picture, ["features"], "UINT8").as_numpy("features")
            assert features.shape[0] == 1 and numpy.isfinite(features).all(), size
        with pytest.raises(InferenceServerException, match="none of the sizes"):
            infer(client, random.integers(0, 256, (1, 40, 500, 3), numpy.uint8), None, "UINT8")
