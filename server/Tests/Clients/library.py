"""A compiled model called without the server, by ctypes: what answers have to be."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy

from conftest import VITC


def outputs(library, images, names):
    """The outputs of images, as `vitc run` computes them."""
    with tempfile.TemporaryDirectory() as folder:
        numpy.save(Path(folder) / "in.npy", images)
        command = [VITC, "run", library, "--input", f"{folder}/in.npy"]
        for name in names:
            command += ["--output", f"{name}={folder}/{name}.npy"]
        subprocess.run(command, check=True, capture_output=True)
        return {name: numpy.load(Path(folder) / f"{name}.npy") for name in names}


def classes(library, photo, top):
    """The classes of a photo, as `vitc run` prints them: (label, probability)."""
    command = [VITC, "run", library, photo, "--top", str(top), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    photos = json.loads(done.stdout)
    photo = photos[0] if isinstance(photos, list) else photos
    found = photo.get("predictions") or photo.get("classes") or photo["top"]
    return [(one["label"], one["probability"]) for one in found]
