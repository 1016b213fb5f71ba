#!/usr/bin/env python3
"""Photos a second, from JPEG files to features: `vitc embed` beside a PyTorch DataLoader with OpenVINO.

embed.py VITC FOLDER [--photos 2000] [--rounds 3] [--workers 2] [--model vit_tiny_patch16_224]

In FOLDER it makes once: JPEGs of one megapixel, the model's weights (`seed:1`), vitc's int8 library, and
OpenVINO's int8 model by NNCF of the same weights. Then, in turns, each round:

vitc       `vitc embed LIB photos -o features.npy`, a process
peer       a process: DataLoader(workers) decodes with Pillow and transforms as timm does; the main process
           runs OpenVINO's int8 model on batches, by its throughput hint
vitc-load  vitc's library run on arrays that are ready: what running alone takes
peer-load  the DataLoader alone: what decoding and resizing alone takes

Pixels are the same: Pillow decodes whole pictures (no scaled decoding), and vitc's resize is Pillow's, bit
for bit. Printed are photos a second of each round, the busy part of all processors during `vitc embed`
(its user and system time over the wall clock), and the ratio of the medians. Nothing else should run.

Needs torch, timm, openvino, nncf, Pillow and numpy: `make bench-peers BENCH="--prepare"` makes such an
environment in .build-peers.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def make_photos(folder, count):
    """Smooth pictures with edges and noise, so that a JPEG of them is as large as one of a camera."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:768, 0:1365].astype(np.float32)
    for index in range(count):
        path = folder / f"{index:05}.jpg"
        if path.exists():
            continue
        a, b, c = rng.uniform(20, 200, 3)
        picture = np.stack([np.sin(x / a + y / b), np.cos(y / c), np.sin((x + y) / a)], -1) * 100 + 128
        top, left = rng.integers(0, 600), rng.integers(0, 1100)
        picture[top:top + 160, left:left + 250] = rng.uniform(0, 255, 3)
        picture += rng.normal(0, 12, picture.shape[:2])[..., None]
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path, quality=88)


class Photos:
    """A PyTorch data set of JPEG files, under timm's evaluation transform."""

    def __init__(self, paths, transform):
        self.paths, self.transform = paths, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        from PIL import Image

        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB"))


def loader(folder, workers, batch=32):
    import timm.data
    import torch

    # What vitc's library of the same name does without a tag: timm's defaults of this architecture.
    transform = timm.data.create_transform(
        (3, 224, 224), is_training=False, interpolation="bicubic", crop_pct=0.9, crop_mode="center",
        mean=(0.5,) * 3, std=(0.5,) * 3)
    paths = sorted(folder.glob("*.jpg"))
    return torch.utils.data.DataLoader(Photos(paths, transform), batch_size=batch, num_workers=workers)


def peer(job):
    """The process of the peer: prints the seconds of one pass and writes its features."""
    import torch

    torch.set_num_threads(1)
    batches = loader(Path(job["photos"]), job["workers"])
    if job["kind"] == "peer-load":
        started = time.perf_counter()
        count = sum(len(batch) for batch in batches)
        print(json.dumps({"seconds": time.perf_counter() - started, "photos": count}))
        return
    import openvino

    core = openvino.Core()
    model = core.compile_model(job["xml"], "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    rows = []
    queue = openvino.AsyncInferQueue(model)

    def keep(request, place):
        rows.append((place, request.get_output_tensor(0).data.copy()))

    queue.set_callback(keep)
    started = time.perf_counter()
    for place, batch in enumerate(batches):
        queue.start_async({0: batch.numpy()}, place)
    queue.wait_all()
    seconds = time.perf_counter() - started
    features = np.concatenate([row for _, row in sorted(rows, key=lambda row: row[0])])
    np.save(job["output"], features)
    print(json.dumps({"seconds": seconds, "photos": len(features)}))


def prepare(vitc, folder, name):
    """The library and OpenVINO's model, of the same weights."""
    library, xml = folder / "libembed.so", folder / "embed.xml"
    if library.exists() and xml.exists():
        return library, xml
    import nncf
    import openvino
    import torch
    from safetensors.torch import save_file

    sys.path.insert(0, str(HERE))
    from export import build

    model = build(name, 224, "features")
    model.reset_classifier(0)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()},
              folder / "embed.safetensors")
    subprocess.run([vitc, "compile", name, "--weights", folder / "embed.safetensors", "--head", "none",
                    "--precision", "int8", "-o", library], check=True)
    converted = openvino.convert_model(model, example_input=torch.zeros(32, 3, 224, 224))
    converted.reshape([-1, 3, 224, 224])
    some = [next(iter(loader(folder / "photos", 0))).numpy()]
    quantized = nncf.quantize(converted, nncf.Dataset(some), model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(quantized, xml, compress_to_fp16=False)
    return library, xml


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vitc")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="vit_tiny_patch16_224")
    arguments = parser.parse_args()
    photos = arguments.folder / "photos"
    make_photos(photos, arguments.photos)
    library, xml = prepare(arguments.vitc, arguments.folder, arguments.model)
    pixels = arguments.folder / "pixels.npy"
    if not pixels.exists():
        np.save(pixels, np.concatenate([batch.numpy() for batch in loader(photos, 2)])[:512])
    processors = len(os.sched_getaffinity(0))
    job = {"photos": str(photos), "workers": arguments.workers, "xml": str(xml),
           "output": str(arguments.folder / "peer.npy")}
    rates, busy = {}, []

    def ours(output):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run([arguments.vitc, "embed", library, photos, "-o", output, "-q"], check=True)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = sum(getattr(after, k) - getattr(before, k) for k in ("ru_utime", "ru_stime"))
        busy.append(spent / seconds / processors)
        return arguments.photos / seconds

    def run_alone():
        started = time.perf_counter()
        subprocess.run([arguments.vitc, "run", library, "-i", pixels, "-o",
                        arguments.folder / "alone.npy"], check=True)
        return len(np.load(pixels, mmap_mode="r")) / (time.perf_counter() - started)

    def theirs(kind):
        told = json.dumps(dict(job, kind=kind))
        found = subprocess.run([sys.executable, __file__, "--peer", told], check=True,
                               capture_output=True, text=True).stdout
        answer = json.loads(found.splitlines()[-1])
        return answer["photos"] / answer["seconds"]

    turns = [("vitc", lambda: ours(arguments.folder / "vitc.npy")), ("peer", lambda: theirs("peer")),
             ("vitc-load", run_alone), ("peer-load", lambda: theirs("peer-load"))]
    for number in range(arguments.rounds):
        for name, turn in turns[number % 4:] + turns[:number % 4]:
            rates.setdefault(name, []).append(turn())
            print(f"round {number + 1}: {name:9} {rates[name][-1]:8.1f} photos a second", flush=True)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    a, b = np.load(arguments.folder / "vitc.npy"), np.load(arguments.folder / "peer.npy")
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    print(f"vitc / peer: {medians['vitc'] / medians['peer']:.2f}; processors busy during vitc embed: "
          f"{100 * statistics.median(busy):.0f} % of {processors}; cosine of the features, least: "
          f"{cosines.min():.4f}")
    # What is left of a photo's time when running alone is taken off, and the other way round.
    decoding = 1 / medians["vitc"] - 1 / medians["vitc-load"]
    print(f"a photo takes vitc {1e3 / medians['vitc']:.2f} ms of all processors: decoding and resizing "
          f"{1e3 * decoding:.2f}, running {1e3 / medians['vitc-load']:.2f}; the peer "
          f"{1e3 / medians['peer']:.2f}, of which the loader alone takes "
          f"{1e3 / medians['peer-load']:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(json.loads(sys.argv[2]))
    else:
        main()
