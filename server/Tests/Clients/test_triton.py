"""NVIDIA's client library for the protocol, against what `vitc run` computes."""

import json
import urllib.request

import numpy
import pytest
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

import library
from conftest import DIGITS

PHOTO = DIGITS / "images" / "digit-3-0013.png"
WIDE = DIGITS / "images" / "digit-8-0008-wide.jpg"


@pytest.fixture
def client(server):
    with http.InferenceServerClient(server.address, concurrency=4) as client:
        yield client


def tensor(array, name="images", datatype="FP32", binary=True):
    one = http.InferInput(name, list(array.shape), datatype)
    one.set_data_from_numpy(array, binary_data=binary)
    return one


def images(count, shape=(3, 32, 32), seed=1):
    return numpy.random.default_rng(seed).standard_normal((count, *shape)).astype(numpy.float32)


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("digits")
    assert client.is_model_ready("digits", "1")
    assert not client.is_model_ready("digits", "2")
    assert not client.is_model_ready("none")
    server = client.get_server_metadata()
    assert server["name"] == "vitc-serve"
    assert "binary_tensor_data" in server["extensions"]
    model = client.get_model_metadata("digits")
    assert model["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, 3, 32, 32]}]
    assert [(one["name"], one["shape"]) for one in model["outputs"]] == [
        ("logits", [-1, 10]),
        ("scores", [-1, 10]),
    ]
    tiny = client.get_model_metadata("tiny")
    assert [one["name"] for one in tiny["outputs"]] == ["features", "tokens"]
    index = client.get_model_repository_index()
    assert [(one["name"], one["state"]) for one in index] == [
        ("digits", "READY"),
        ("tiny", "READY"),
    ]


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("received", [True, False])
def test_tensors(client, digits, sent, received):
    """Numbers arrive as the library makes them, to the bit, whatever way they go."""
    array = images(3)
    wanted = [http.InferRequestedOutput("logits", binary_data=received)]
    result = client.infer(
        "digits", [tensor(array, binary=sent)], outputs=wanted, request_id="a7"
    )
    expected = library.outputs(digits, array, ["logits"])["logits"]
    assert result.get_response()["id"] == "a7"
    assert result.get_response()["model_name"] == "digits"
    assert result.as_numpy("logits").dtype == numpy.float32
    numpy.testing.assert_array_equal(result.as_numpy("logits"), expected)


def test_all_outputs(client, features):
    array = images(2, (3, 224, 224))
    result = client.infer("tiny", [tensor(array)])
    expected = library.outputs(features, array, ["features", "tokens"])
    assert set(expected) == {"features", "tokens"}
    for name, values in expected.items():
        numpy.testing.assert_array_equal(result.as_numpy(name), values)


def test_more_images_than_a_batch(client, digits):
    """Eleven images, run in batches of at most eight, are one answer in their order."""
    array = images(11, seed=2)
    result = client.infer("digits", [tensor(array)])
    expected = library.outputs(digits, array, ["logits"])["logits"]
    numpy.testing.assert_array_equal(result.as_numpy("logits"), expected)
    powers = numpy.exp(expected.astype(float) - expected.max(1, keepdims=True))
    numpy.testing.assert_allclose(
        result.as_numpy("scores"), powers / powers.sum(1, keepdims=True), rtol=2e-7
    )


@pytest.mark.parametrize("binary", [True, False])
def test_pictures_and_classes(client, digits, binary):
    """Files as BYTES, preprocessed by the library; classes with their names."""
    files = numpy.array([PHOTO.read_bytes(), WIDE.read_bytes()], dtype=object)
    wanted = [http.InferRequestedOutput("scores", binary_data=binary, class_count=3)]
    result = client.infer("digits", [tensor(files, datatype="BYTES")], outputs=wanted)
    found = result.as_numpy("scores")
    assert found.shape == (2, 3)
    for row, photo in zip(found, [PHOTO, WIDE]):
        for text, (label, probability) in zip(row, library.classes(digits, photo, 3)):
            value, _, name = (text.decode() if isinstance(text, bytes) else text).split(":")
            assert name == label
            assert float(value) == pytest.approx(probability, rel=1e-6)


def test_pixels(client, server):
    """RGB pixels of any size get what the file with them gets."""
    import PIL.Image

    with PIL.Image.open(PHOTO) as picture:
        array = numpy.asarray(picture.convert("RGB"))
    assert array.dtype == numpy.uint8
    result = client.infer("digits", [tensor(array[None], datatype="UINT8")])
    files = numpy.array([PHOTO.read_bytes()], dtype=object)
    expected = client.infer("digits", [tensor(files, datatype="BYTES")])
    numpy.testing.assert_array_equal(result.as_numpy("logits"), expected.as_numpy("logits"))


@pytest.mark.parametrize("photo, kind", [(PHOTO, "image/png"), (WIDE, "image/jpeg")])
def test_plain_picture(server, digits, photo, kind):
    """What curl sends: the file is the body."""
    request = urllib.request.Request(
        f"http://{server.address}/v2/models/digits/infer?classification=2",
        data=photo.read_bytes(),
        headers={"Content-Type": kind},
    )
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("scores", "BYTES", [1, 2])
    names = [text.split(":")[2] for text in output["data"]]
    assert names == [label for label, _ in library.classes(digits, photo, 2)]


def test_concurrent_requests(client, digits):
    """Many at once are batched, and each gets its own answer."""
    arrays = [images(1 + i % 3, seed=i) for i in range(40)]
    answers = [client.async_infer("digits", [tensor(array)]) for array in arrays]
    expected = library.outputs(digits, numpy.concatenate(arrays), ["logits"])["logits"]
    found = numpy.concatenate([answer.get_result().as_numpy("logits") for answer in answers])
    numpy.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "inputs, message",
    [
        ([tensor(images(1, (3, 31, 32)))], "[n, 3, 32, 32]"),
        ([tensor(images(1), name="pixels")], "no input 'pixels'"),
        ([tensor(images(1)), tensor(images(1), name="more")], "found 2 inputs"),
        ([tensor(images(1).astype(numpy.float64), datatype="FP64")], "found FP64"),
        ([tensor(numpy.array([b"text"], dtype=object), datatype="BYTES")], "PNG, JPEG or WebP"),
        ([tensor(numpy.zeros((1, 1001, 1000, 3), numpy.uint8), datatype="UINT8")], "1000000"),
    ],
)
def test_refusals(client, inputs, message):
    with pytest.raises(InferenceServerException) as failure:
        client.infer("digits", inputs)
    assert message in failure.value.message()


def test_unknown_output(client):
    with pytest.raises(InferenceServerException) as failure:
        client.infer("digits", [tensor(images(1))], outputs=[http.InferRequestedOutput("boxes")])
    assert "no output 'boxes', but 'logits', 'scores'" in failure.value.message()


def test_deadline(client):
    """A client that gives a microsecond gets no result."""
    with pytest.raises(InferenceServerException) as failure:
        client.infer("tiny", [tensor(images(8, (3, 224, 224)))], timeout=1)
    assert failure.value.status() == "504"
