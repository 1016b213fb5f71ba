"""vitc's readers, as a process that answers (Tests/ReaderTool)."""

import math
import subprocess

import numpy as np


class Refusal(Exception):
    """The text with which a reader refuses a file."""


class Readers:
    def __init__(self, program, kind):
        self.process = subprocess.Popen([program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit(f"vitc-readers ended with {self.process.returncode}")

    def line(self):
        text = self.process.stdout.readline().decode()
        if not text:
            raise SystemExit("vitc-readers ended")
        return text.split()

    def ask(self, path):
        """The words of an answer."""
        self.process.stdin.write(str(path).encode() + b"\n")
        self.process.stdin.flush()
        words = self.line()
        if words[0] == "error":
            raise Refusal(" ".join(words[1:]))
        return words[1:]

    def image(self, path):
        width, height = map(int, self.ask(path))
        data = self.process.stdout.read(width * height * 3)
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def tensors(self, path):
        """Name -> array of float32, or None for a tensor that is not read."""
        result = {}
        for _ in range(int(self.ask(path)[0])):
            name, kind, *shape = self.line()
            key = bytes.fromhex(name[1:]).decode()
            shape = [int(extent) for extent in shape]
            if kind == "-":
                result[key] = None
            else:
                data = self.process.stdout.read(4 * math.prod(shape))
                result[key] = np.frombuffer(data, np.float32).reshape(shape)
        return result


def same(ours, theirs):
    """Whether two arrays have the same shape and values, NaN included."""
    return ours.shape == theirs.shape and np.array_equal(ours, theirs, equal_nan=True)
