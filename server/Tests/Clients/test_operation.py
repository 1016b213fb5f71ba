"""What an operator sees: keys, limits, metrics, logs, and the end."""

import http.client
import json
import re
import threading
import time

import numpy
import pytest

from conftest import DIGITS

PHOTO = (DIGITS / "images" / "digit-3-0013.png").read_bytes()
INFER = "/v2/models/digits/infer"


def ask(server, method, path, body=None, headers={}):
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def photo(server, headers={}):
    return ask(server, "POST", INFER, PHOTO, {"Content-Type": "image/png", **headers})


def value(text, series):
    """The value of a series in the metrics' text."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def test_keys(start, digits, tmp_path):
    (tmp_path / "keys").write_text("alpha-key\nbeta-key\n")
    server = start([digits], "--key-file", tmp_path / "keys")
    assert ask(server, "GET", "/v2/health/ready")[0] == 200
    for headers in [{}, {"X-API-Key": "beta-ke"}, {"Authorization": "Basic beta-key"}]:
        status, answer, body = photo(server, headers)
        assert status == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert "key" in json.loads(body)["error"]
    assert ask(server, "GET", "/metrics")[0] == 401
    assert photo(server, {"X-API-Key": "alpha-key"})[0] == 200
    assert photo(server, {"Authorization": "Bearer beta-key"})[0] == 200
    assert "beta-key" not in "".join(server.log)


def test_metrics(start, digits):
    server = start([digits], "--batch", 4, "--queue", 9)
    photo(server)
    photo(server, {"Content-Type": "image/jpeg"})
    ask(server, "POST", INFER, b"{}")
    ask(server, "POST", "/v2/models/other/infer", b"{}")
    status, headers, body = ask(server, "GET", "/metrics")
    text = body.decode()
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert value(text, 'vitc_requests_total{model="digits",code="200"}') == 2
    assert value(text, 'vitc_requests_total{model="digits",code="400"}') == 1
    assert value(text, 'vitc_requests_total{model="",code="404"}') == 1
    assert value(text, 'vitc_failures_total{model="digits",reason="invalid"}') == 1
    assert value(text, 'vitc_images_total{model="digits"}') == 2
    assert value(text, 'vitc_request_seconds_count{model="digits"}') == 3
    assert value(text, 'vitc_batch_images_bucket{model="digits",le="1"}') == 2
    assert value(text, 'vitc_queue_images{model="digits"}') == 0
    assert value(text, "vitc_queue_limit_images") == 9
    assert re.search(r'^vitc_model_info\{model="digits",version="1",variant="[^"]+".* 1$', text, re.M)
    assert value(text, "process_resident_memory_bytes") > 1e6
    assert abs(value(text, "process_start_time_seconds") - time.time()) < 600
    # Every line is a comment or a series with a number.
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) .+|[a-z_]+(\{.*\})? [-+.e0-9]+", line), line


def test_full_queue(start, features):
    """Images beyond the queue's limit are refused at once, and the answer says when to come again."""
    server = start([f"digits={features}"], "--queue", 2, "--batch", 1, "--threads", 1)
    array = numpy.zeros((2, 3, 224, 224), numpy.float32).tobytes()
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "images",
                    "datatype": "FP32",
                    "shape": [2, 3, 224, 224],
                    "parameters": {"binary_data_size": len(array)},
                }
            ],
            "outputs": [{"name": "features", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {"Inference-Header-Content-Length": str(len(header))}
    answers = []

    def send():
        answers.append(ask(server, "POST", INFER, header + array, headers))

    threads = [threading.Thread(target=send) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = [status for status, _, _ in answers]
    assert set(codes) == {200, 503}
    for status, fields, body in answers:
        if status == 503:
            assert int(fields["Retry-After"]) >= 1
            assert "queue" in json.loads(body)["error"]


def test_nothing_is_lost_at_the_end(start, features):
    """SIGTERM in the middle of a load: whatever was accepted is answered, and the exit code is 0."""
    server = start([f"digits={features}"], "--batch", 4, "--queue", 1000, "--threads", 1)
    body = json.dumps(
        {"inputs": [{"name": "images", "datatype": "UINT8", "shape": [1, 2, 2, 3], "data": [7] * 12}],
         "outputs": [{"name": "features"}]}
    )
    sent, answered, refused = [], [], []
    lock = threading.Lock()

    def send():
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            try:
                connection.connect()
                connection.request("POST", INFER, body)
            except OSError:
                return  # The server listens no more.
            with lock:
                sent.append(1)
            try:
                response = connection.getresponse()
                data = response.read()
                with lock:
                    (answered if response.status == 200 else refused).append(data)
            except (ConnectionError, http.client.RemoteDisconnected):
                # A connection that the system had accepted and the server had not.
                with lock:
                    refused.append(b"")
                return
            finally:
                connection.close()

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    code = server.end()
    for thread in threads:
        thread.join()
    log = "".join(server.log)
    assert code == 0, log
    assert "ended in order" in log
    assert len(answered) > 16
    assert len(sent) == len(answered) + len(refused)
    # What reached a route was answered with a result.
    assert log.count(" status=200 ") + log.count("status=200\n") >= len(answered)
    assert "status=5" not in log


def test_drain(start, digits):
    """After SIGTERM the server is not ready, answers as long as --drain says, and then ends."""
    server = start([digits], "--drain", 3)
    assert ask(server, "GET", "/v2/health/ready")[0] == 200
    server.process.terminate()
    deadline = time.time() + 10
    while ask(server, "GET", "/v2/health/ready")[0] == 200 and time.time() < deadline:
        time.sleep(0.05)
    status, headers, _ = ask(server, "GET", "/v2/health/ready")
    assert status == 503
    assert int(headers["Retry-After"]) >= 1
    assert ask(server, "GET", "/v2/health/live")[0] == 200
    status, headers, _ = photo(server)
    assert status == 200
    assert headers["Connection"] == "close"
    assert server.process.wait(30) == 0


def test_json_log(start, digits):
    server = start([digits], "--log-format", "json")
    photo(server)
    assert server.end() == 0
    lines = [json.loads(line) for line in server.log]
    (request,) = [line for line in lines if line["message"] == "request"]
    assert request["model"] == "digits"
    assert request["status"] == 200
    assert request["images"] == 1
    assert request["path"] == INFER
    for name in ["seconds", "queue_seconds", "run_seconds", "decode_seconds"]:
        assert 0 <= request[name] < 60
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["/nowhere/libx.so"], "cannot load '/nowhere/libx.so': no such file"),
        (["a/b=x"], "cannot load 'a/b=x'"),
        (["a b=x.so"], "invalid model name 'a b'"),
        (["x.so", "--key-file", "/nowhere/keys"], "cannot read the keys"),
        (["x.so", "--batch", "0"], "invalid --batch 0"),
        ([], "expected"),
    ],
)
def test_wrong_arguments(arguments, message):
    import subprocess

    from conftest import SERVER

    done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 64)
    assert message in done.stderr or message in done.stderr.lower()
    assert done.stdout == ""


def test_two_models_of_one_name(digits):
    import subprocess

    from conftest import SERVER

    command = [SERVER, f"a={digits}", f"a={digits}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "two models are named 'a'" in done.stderr
