"""The FastAPI example, by FastAPI's own client."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from conftest import DIGITS, EXAMPLES
from fastapi.testclient import TestClient


@pytest.fixture()
def client(library: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("MODEL", str(library))
    place = EXAMPLES / "serve_fastapi.py"
    spec = importlib.util.spec_from_file_location("serve_fastapi", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return TestClient(module.app)


def test_labels_of_a_picture(client: TestClient) -> None:
    assert client.get("/health").json() == {"ok": True}
    for name, label in [("digit-3-0013.png", "three"), ("digit-5-0035-large.jpg", "five")]:
        data = (DIGITS / "images" / name).read_bytes()
        answer = client.post("/classify", files={"picture": (name, data)}, params={"top": 2})
        assert answer.status_code == 200, answer.text
        found = json.loads(answer.text)
        assert len(found) == 2 and found[0]["label"] == label
        assert 0.5 < found[0]["score"] <= 1 and found[1]["score"] <= found[0]["score"]


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture(client: TestClient, data: bytes) -> None:
    answer = client.post("/classify", files={"picture": ("x.png", data)})
    assert answer.status_code == 400 and "x.png is no picture" in answer.text


@pytest.mark.parametrize("top", [0, 101])
def test_a_wrong_count(client: TestClient, top: int) -> None:
    answer = client.post("/classify", files={"picture": ("x.png", b"x")}, params={"top": top})
    assert answer.status_code == 422 and "expected 1 to 100" in answer.text
