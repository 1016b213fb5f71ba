"""Requests that are wrong, too large, too slow or random: the server answers, and lives."""

import json
import os
import random
import socket
import struct
import time
import zlib

import pytest

from conftest import DIGITS

PHOTO = (DIGITS / "images" / "digit-3-0013.png").read_bytes()
JPEG = (DIGITS / "images" / "digit-8-0008-wide.jpg").read_bytes()
INFER = "/v2/models/digits/infer"
# The number of random requests of each kind.
ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "300"))


def raw(server, data, wait=20, pause=None):
    """What the server says to these bytes: status and body, or None if it only closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        try:
            for part in [data] if pause is None else data:
                connection.sendall(part)
                time.sleep(pause or 0)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
    if not answer:
        return None
    while answer.startswith(b"HTTP/1.1 100 "):
        answer = answer.split(b"\r\n\r\n", 1)[1]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), head
    return int(head.split()[1]), body


def post(body, path=INFER, headers={}, length=None):
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def is_alive(server):
    assert server.process.poll() is None, "".join(server.log)
    status, body = raw(server, post(PHOTO, headers={"Content-Type": "image/png"}))
    assert status == 200 and b'"scores"' in body


def png(width, height):
    """A PNG of one colour whose header promises so many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width + 1) * min(height, 4000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


INPUT = {"name": "images", "datatype": "FP32", "shape": [1, 3, 32, 32]}


def request(**changes):
    return json.dumps({"inputs": [{**INPUT, **changes}]}).encode()


@pytest.mark.parametrize(
    "body, status, message",
    [
        (b"", 400, "not JSON"),
        (b"[]", 400, "expected an object"),
        (b"{}", 400, "inputs: missing"),
        (b'{"inputs":[]}', 400, "inputs: missing"),
        (b'{"inputs":{}}', 400, "expected an array"),
        (b'{"inputs":[7]}', 400, "inputs[0].name: missing"),
        (b'{"inputs":[{"name":7}]}', 400, "expected a string"),
        (b'{"a":1,"a":2}', 400, "duplicate key"),
        (b"[" * 100_000, 413, "values"),
        (b"[" * 5_000, 400, "nested deeper"),
        (b"[" + b"0," * 3_000_000 + b"0]", 413, "values"),
        (request(data=[]), 400, "0 elements of data"),
        (request(data="x"), 400, "expected an array"),
        (request(data=[0] * 3071), 400, "3071 elements of data"),
        (request(data=[0] * 3071 + ["1"]), 400, "expected a number"),
        (request(data=[0] * 3071 + [1e300]), 400, "FP32"),
        (request(), 400, "data: missing"),
        (request(shape=[1, 3, 32, 0], data=[]), 400, "expected 1 or more"),
        (request(shape=[1 << 40, 1 << 40], data=[]), 400, "too many elements"),
        (request(shape=[1000, 3, 32, 32], data=[]), 413, "1000 images"),
        (request(shape=[-1, 3, 32, 32], data=[]), 400, "expected 1 or more"),
        (request(shape=[1, 3, 32, 32.5], data=[]), 400, "expected 1 or more"),
        (request(datatype="FP31", data=[]), 400, "found 'FP31'"),
        (request(parameters={"binary_data_size": 12288}), 400, "0 bytes of the body are left"),
        (request(parameters={"binary_data_size": -1}), 400, "expected 0 or more"),
        (request(parameters={"binary_data_size": 0}, data=[1]), 400, "both data and"),
        (request(datatype="BYTES", shape=[1], data=["?"]), 400, "Base64"),
        (request(datatype="BYTES", shape=[2], data=["AAAA"]), 400, "1 elements of data"),
        (request(datatype="UINT8", shape=[1, 1, 1, 3], data=[0, 0, 256]), 400, "0 to 255"),
        (request(datatype="UINT8", shape=[1, 1, 1, 4], data=[0] * 4), 400, "height, width, 3"),
    ],
)
def test_wrong_json(server, body, status, message):
    found, answer = raw(server, post(body))
    assert (found, message in json.loads(answer)["error"]) == (status, True), answer


@pytest.mark.parametrize(
    "size, status",
    [("x", 400), ("-1", 400), ("99999999999999999999", 400), ("1000", 400), ("2", 400)],
)
def test_wrong_header_length(server, size, status):
    headers = {"Inference-Header-Content-Length": size}
    assert raw(server, post(b"{}abcd", headers=headers))[0] == status


def test_wrong_binary_data(server):
    """Lengths of strings that lie, and data that is not what its size says."""
    for data, message in [
        (struct.pack("<I", 0xFFFFFFFF), "0 are left"),
        (b"\1", "no whole length"),
        (struct.pack("<I", 0) * 2, "found more"),
        (b"", "found 0"),
    ]:
        header = request(datatype="BYTES", shape=[1], parameters={"binary_data_size": len(data)})
        headers = {"Inference-Header-Content-Length": str(len(header))}
        status, answer = raw(server, post(header + data, headers=headers))
        assert (status, message in json.loads(answer)["error"]) == (400, True), answer
    header = request(parameters={"binary_data_size": 12287})
    headers = {"Inference-Header-Content-Length": str(len(header))}
    status, answer = raw(server, post(header + b"\0" * 12287, headers=headers))
    assert status == 400 and b"12287 bytes of data" in answer
    status, answer = raw(server, post(header + b"\0" * 12290, headers=headers))
    assert status == 400 and b"belong to none" in answer


def test_pictures(server):
    """Bombs, other formats and damage."""
    headers = {"Content-Type": "image/png"}
    for picture, message in [
        (png(1001, 1000), "1001x1000 pixels, expected at most 1000000"),
        (png(30_000, 30_000), "expected at most 1000000"),
        (png(1000, 1000)[:60], ""),
        (b"GIF89a", "GIF"),
        (b"", "expected a PNG, JPEG or WebP"),
        (JPEG[:200], "truncated"),
    ]:
        status, answer = raw(server, post(picture, headers=headers))
        assert (status, message in json.loads(answer)["error"]) == (400, True), answer
    is_alive(server)


def test_sizes(server):
    """Bodies above the limit are refused before they are read, or as soon as they are."""
    status, answer = raw(server, post(b"x", length=8 << 20 | 1))
    assert status == 413 and b"expected at most 8388608" in answer
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"100000\r\n" + b"0" * 0x100000 + b"\r\n"
    status, answer = raw(server, head + chunk * 12)
    assert status == 413
    assert raw(server, post(b"x" * 10, length=20))[0] == 400
    answer = raw(server, post(b"{}", headers={"Content-Encoding": "gzip"}))
    assert answer[0] == 415
    assert raw(server, post(b"{}", headers={f"X-{i}": "y" * 1000 for i in range(200)}))[0] in (
        400,
        431,
    )
    is_alive(server)


def test_expectation(server):
    """A client that waits for 100 Continue gets it, unless the body is too large."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        headers = {"Expect": "100-continue", "Content-Type": "image/png"}
        connection.sendall(post(b"", headers=headers, length=len(PHOTO)))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(PHOTO)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(post(b"", headers={"Expect": "100-continue"}, length=1 << 40))
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_slow_body(start, digits):
    server = start([f"digits={digits}"], "--body-timeout", 1, "--idle", 2)
    begin = time.time()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(post(b"", length=1000))
        answer = b""
        try:
            while part := connection.recv(1000):
                answer += part
        except ConnectionResetError:
            pass
    assert time.time() - begin < 10
    assert answer.startswith(b"HTTP/1.1 408 ")
    # A head that does not come either.
    begin = time.time()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n")
        assert connection.recv(1000) == b""
    assert time.time() - begin < 10
    is_alive(server)


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/", "GET", 404),
        ("/v2/models/none", "GET", 404),
        ("/v2/models/digits/versions/2", "GET", 404),
        ("/v2/models/digits/infer", "GET", 404),
        ("/v2/models/..%2f..%2fetc/infer", "POST", 404),
        ("/v2/health/ready/" + "x" * 5000, "GET", 404),
    ],
)
def test_addresses(server, path, method, status):
    data = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    found, body = raw(server, data)
    assert found == status
    assert json.loads(body)["error"]


def mutated(data, chance):
    """Some bytes changed, removed, doubled or cut."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data) + 1) if data else 0
        match chance.randrange(5):
            case 0 if data:
                data[place % len(data)] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 8)]
            case 2:
                data[place:place] = bytes(chance.choices(range(256), k=chance.randint(1, 8)))
            case 3:
                data[place:place] = data[place : place + chance.randint(1, 64)]
            case 4:
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("kind", ["http", "json", "binary", "png", "jpeg"])
def test_random_requests(server, kind):
    """Valid requests with random damage get an answer of the protocol or a closed connection."""
    chance = random.Random(kind)
    header = request(parameters={"binary_data_size": 12288})
    plain = json.dumps({"inputs": [{**INPUT, "data": [0.5] * 3072}], "outputs": [{"name": "logits"}]})
    sizes = {"Inference-Header-Content-Length": str(len(header))}
    for _ in range(ROUNDS):
        match kind:
            case "http":
                data = mutated(post(PHOTO[:100], headers={"Content-Type": "image/png"}), chance)
            case "json":
                data = post(mutated(plain.encode(), chance))
            case "binary":
                data = post(mutated(header, chance) + bytes(12288), headers=sizes)
            case "png":
                data = post(mutated(PHOTO, chance), headers={"Content-Type": "image/png"})
            case "jpeg":
                data = post(mutated(JPEG, chance), headers={"Content-Type": "image/jpeg"})
        answer = raw(server, data, wait=60)
        assert server.process.poll() is None, data
        if answer is not None:
            assert answer[0] < 500, (data, answer)
    is_alive(server)
