"""A server of two models on a free port of the loopback address, for all tests."""

import os
import re
import subprocess
import threading
from pathlib import Path

import pytest

VITC = os.environ["VITC"]
SERVER = os.environ["VITC_SERVE"]
DIGITS = Path(os.environ["DIGITS"])


class Server:
    """A vitc-serve that runs; `log` is what it wrote to stderr so far."""

    def __init__(self, libraries, *options):
        self.process = subprocess.Popen(
            [SERVER, *map(str, libraries), "--port", "0", *map(str, options)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = []
        self.port = None
        found = threading.Event()

        def read():
            for line in self.process.stderr:
                self.log.append(line)
                place = re.search(r"listening on [^ :]*:(\d+)", line)
                if place:
                    self.port = int(place[1])
                    found.set()
            found.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        assert found.wait(120) and self.port, "".join(self.log)
        self.address = f"127.0.0.1:{self.port}"

    def end(self, signal="terminate"):
        """Ends it by SIGTERM and returns its exit code."""
        getattr(self.process, signal)()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.reader.join(10)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The digit classifier: 32 x 32, ten classes with names, preprocessing."""
    library = tmp_path_factory.mktemp("models") / "libdigits.so"
    subprocess.run([VITC, "compile", DIGITS / "model", "-o", library], check=True)
    return library


@pytest.fixture(scope="session")
def features(tmp_path_factory):
    """A model without classes: features and tokens."""
    library = tmp_path_factory.mktemp("models") / "libfeatures.so"
    command = [VITC, "compile", "vit_tiny_patch16_224", "--weights", "seed:1"]
    command += ["--outputs", "features,tokens", "-o", library]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="session")
def server(digits, features):
    """Serves both, with small limits."""
    server = Server([f"digits={digits}", f"tiny={features}"], "--max-pixels", 1, "--max-body", 8)
    yield server
    assert server.end() == 0, "".join(server.log)


@pytest.fixture
def start():
    """Starts further servers, which end with the test."""
    servers = []

    def run(*arguments):
        servers.append(Server(*arguments))
        return servers[-1]

    yield run
    for one in servers:
        one.process.kill()
