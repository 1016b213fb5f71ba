#!/usr/bin/env python3
"""Photos a second, from JPEG files to features: `vitc embed` beside a PyTorch DataLoader with OpenVINO.

embed.py VITC FOLDER [--photos 2000] [--rounds 3] [--workers 2] [--model vit_tiny_patch16_224]

In FOLDER it makes once and keeps: JPEGs of one megapixel, the model's weights (those of Docs/SeedWeights.md
for seed 1), vitc's int8 library, and OpenVINO's int8 model by NNCF of the same weights. Then, each round, in
an order that rotates:

vitc       `vitc embed LIB photos -o features.npy`, a process from its start to its end
peer       DataLoader(workers) decodes with Pillow and transforms as timm does; the main process runs
           OpenVINO's int8 model on batches of 32, by its throughput hint; its time begins when all is
           imported, loaded and compiled, in the peer's favour
vitc-run   vitc's library on arrays that are ready: what running alone takes, on all processors
peer-run   OpenVINO's model on the same arrays, without a DataLoader
peer-load  the DataLoader alone: what decoding and resizing takes
decode     Pillow's decoding alone, in as many processes as there are processors

Pixels are the same: Pillow decodes whole pictures (no scaled decoding), and vitc's resize is Pillow's, bit
for bit; the cosine of the features is printed. Busy is the processor time of `vitc embed`, all threads, over
its wall clock and the processors; beside it stands what /proc/stat says of the whole machine, which is much
more only if something else runs. Where decoding bounds both, its share of each and the ratio of the rest
say what is vitc's own.

Needs torch, timm, openvino, nncf, Pillow and numpy: `make bench-peers BENCH="--prepare"` makes such an
environment in .build-peers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# Of arrays that are ready: more would say nothing new and take 600 KB each.
READY = 512
BATCH = 32


def make_photo(job):
    """A smooth picture with edges and noise, so that its JPEG is as large as a camera's, 1365 by 768."""
    from PIL import Image

    path, index = job
    if path.exists():
        return
    rng = np.random.default_rng(index)
    y, x = np.mgrid[0:768, 0:1365].astype(np.float32)
    a, b, c = rng.uniform(20, 200, 3)
    picture = np.stack([np.sin(x / a + y / b), np.cos(y / c), np.sin((x + y) / a)], -1) * 100 + 128
    top, left = rng.integers(0, 600), rng.integers(0, 1100)
    picture[top:top + 160, left:left + 250] = rng.uniform(0, 255, 3)
    picture += rng.normal(0, 12, picture.shape[:2])[..., None]
    # An interrupted run leaves no half of a photo.
    unfinished = path.with_suffix(".unfinished")
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(unfinished, "JPEG", quality=88)
    unfinished.rename(path)


def make_photos(folder, count):
    """A folder for each number of photos, so that none is embedded that was not asked for."""
    photos = folder / f"photos-{count}"
    photos.mkdir(parents=True, exist_ok=True)
    jobs = [(photos / f"{index:05}.jpg", index) for index in range(count)]
    if not all(path.exists() for path, _ in jobs):
        with ProcessPoolExecutor() as pool:
            list(pool.map(make_photo, jobs, chunksize=8))
    return photos


def decode(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.convert("RGB").size


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


def loader(photos, workers, most=None):
    import timm.data
    import torch

    # What vitc's library of this name does without a tag: timm's defaults of this architecture.
    transform = timm.data.create_transform(
        (3, 224, 224), is_training=False, interpolation="bicubic", crop_pct=0.9, crop_mode="center",
        mean=(0.5,) * 3, std=(0.5,) * 3)
    paths = sorted(Path(photos).glob("*.jpg"))[:most]
    return torch.utils.data.DataLoader(Photos(paths, transform), batch_size=BATCH, num_workers=workers)


def peer(job):
    """A process of the peer's: prints the seconds of one pass; may write its features."""
    kind = job["kind"]
    if kind == "decode":
        paths = sorted(Path(job["photos"]).glob("*.jpg"))
        with ProcessPoolExecutor(job["processors"]) as pool:
            list(pool.map(decode, paths[:4]))
            started = time.perf_counter()
            count = len(list(pool.map(decode, paths, chunksize=8)))
            return {"seconds": time.perf_counter() - started, "photos": count}
    if kind == "peer-run":
        pixels = np.load(job["pixels"])
        batches = [pixels[start:start + BATCH] for start in range(0, len(pixels), BATCH)]
    else:
        import torch

        torch.set_num_threads(1)
        batches = loader(job["photos"], job["workers"])
    if kind == "peer-load":
        started = time.perf_counter()
        count = sum(len(batch) for batch in batches)
        return {"seconds": time.perf_counter() - started, "photos": count}
    import openvino

    model = openvino.Core().compile_model(job["xml"], "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    rows = {}
    queue = openvino.AsyncInferQueue(model)
    queue.set_callback(
        lambda request, place: rows.update({place: request.get_output_tensor(0).data.copy()}))
    started = time.perf_counter()
    for place, batch in enumerate(batches):
        queue.start_async({0: np.asarray(batch)}, place)
    queue.wait_all()
    seconds = time.perf_counter() - started
    features = np.concatenate([rows[place] for place in sorted(rows)])
    if kind == "peer":
        np.save(job["output"], features)
    return {"seconds": seconds, "photos": len(features)}


def prepare(vitc, folder, photos, name):
    """The library and OpenVINO's model, of the same weights."""
    library, xml, weights = folder / "libembed.so", folder / "embed.xml", folder / "embed.safetensors"
    if not weights.exists() or not xml.exists():
        import nncf
        import openvino
        import torch
        from export import build
        from safetensors.torch import save_file

        model = build(name, 224, "features")
        model.reset_classifier(0)
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, weights)
        converted = openvino.convert_model(model, example_input=torch.zeros(BATCH, 3, 224, 224))
        converted.reshape([-1, 3, 224, 224])
        some = [batch.numpy() for batch in loader(photos, 0, BATCH)]
        quantized = nncf.quantize(
            converted, nncf.Dataset(some), model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(quantized, xml, compress_to_fp16=False)
    # By the vitc that is measured.
    subprocess.run([vitc, "compile", name, "--weights", weights, "--head", "none", "--precision", "int8",
                    "--target", "host", "-o", library, "-q"], check=True)
    return library, xml


def machine_busy():
    """Jiffies of all processors that were spent, and all, by /proc/stat."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def versions(vitc):
    import nncf
    import openvino
    import PIL.features
    import timm
    import torch

    own = subprocess.run([vitc, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    jpeg = PIL.features.version("libjpeg_turbo") or PIL.features.version("jpg")
    return (f"{own}; openvino {openvino.__version__}, nncf {nncf.__version__}, torch {torch.__version__}, "
            f"timm {timm.__version__}, Pillow {PIL.__version__} with libjpeg-turbo {jpeg}, "
            f"numpy {np.__version__}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vitc")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="vit_tiny_patch16_224")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    arguments = parser.parse_args()
    folder, vitc = arguments.folder / arguments.model, arguments.vitc
    import machine

    photos = make_photos(arguments.folder, arguments.photos)
    folder.mkdir(parents=True, exist_ok=True)
    library, xml = prepare(vitc, folder, photos, arguments.model)
    pixels = folder / f"pixels-{arguments.photos}.npy"
    if not pixels.exists():
        np.save(pixels, np.concatenate([batch.numpy() for batch in loader(photos, 2, READY)]))
    processors = len(os.sched_getaffinity(0))
    job = {"photos": str(photos), "workers": arguments.workers, "xml": str(xml), "pixels": str(pixels),
           "output": str(folder / "peer.npy"), "processors": processors}
    about = machine.describe()
    print(versions(vitc))
    print(f"{about['cpu']}, {processors} processors, load {about['load_at_start']} at the start; "
          f"{arguments.photos} JPEGs of "
          f"{sum(f.stat().st_size for f in photos.glob('*.jpg')) / arguments.photos / 1e3:.0f} KB, "
          f"{arguments.model} in int8, {arguments.rounds} rounds", flush=True)
    seconds, own, whole = {}, [], []

    def ours():
        output = folder / "vitc.npy"
        spent, total = machine_busy()
        started = time.perf_counter()
        process = subprocess.Popen([vitc, "embed", library, photos, "-o", output, "-q"])
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if status != 0:
            sys.exit(f"embed.py: vitc embed ended with status {status}")
        after, end = machine_busy()
        own.append((usage.ru_utime + usage.ru_stime) / wall / processors)
        whole.append((after - spent) / max(1, end - total))
        return wall / arguments.photos

    def run_alone():
        # The processes differ in how many arrays they run only, so what a process takes is taken off.
        def timed(name):
            started = time.perf_counter()
            subprocess.run([vitc, "run", library, "-i", name, "-o", folder / "alone.npy"], check=True,
                           stdout=subprocess.DEVNULL)
            return time.perf_counter() - started

        few = folder / "pixels-1.npy"
        arrays = np.load(pixels, mmap_mode="r")
        np.save(few, arrays[:1])
        return (timed(pixels) - timed(few)) / (len(arrays) - 1)

    def theirs(kind):
        found = subprocess.run([sys.executable, __file__, "--peer", json.dumps(dict(job, kind=kind))],
                               check=True, stdout=subprocess.PIPE, text=True).stdout
        answer = json.loads(found.splitlines()[-1])
        return answer["seconds"] / answer["photos"]

    turns = [("vitc", ours), ("peer", lambda: theirs("peer")), ("vitc-run", run_alone),
             ("peer-run", lambda: theirs("peer-run")), ("peer-load", lambda: theirs("peer-load")),
             ("decode", lambda: theirs("decode"))]
    for number in range(arguments.rounds):
        first = number % len(turns)
        for name, turn in turns[first:] + turns[:first]:
            seconds.setdefault(name, []).append(turn())
            print(f"round {number + 1}: {name:9} {1 / seconds[name][-1]:8.1f} photos a second", flush=True)

    least = {name: min(values) for name, values in seconds.items()}
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"\n{'':9} ms a photo: least, median; photos a second")
    for name, _ in turns:
        print(f"{name:9} {1e3 * least[name]:12.2f} {1e3 * median[name]:12.2f} {1 / median[name]:12.1f}")
    a, b = np.load(folder / "vitc.npy"), np.load(folder / "peer.npy")
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    print(f"busy during vitc embed: {100 * statistics.median(own):.0f} % of {processors} processors by its own "
          f"threads ({100 * min(own):.0f} to {100 * max(own):.0f}), {100 * statistics.median(whole):.0f} % by "
          f"all processes; cosine of the features, least: {cosines.min():.4f}")
    print(f"peer / vitc: {median['peer'] / median['vitc']:.2f} (of least: "
          f"{least['peer'] / least['vitc']:.2f}), running alone {median['peer-run'] / median['vitc-run']:.2f}")
    # All processors are busy with one or the other, so a photo's time is the sum of its parts.
    rest = {"vitc": median["vitc"] - median["decode"], "peer": median["peer"] - median["decode"]}
    print(f"Pillow's decoding alone is {100 * median['decode'] / median['vitc']:.0f} % of vitc's time and "
          f"{100 * median['decode'] / median['peer']:.0f} % of the peer's; of the rest the ratio is "
          f"{rest['peer'] / rest['vitc']:.2f}")
    print(f"vitc decodes and resizes in {1e3 * (median['vitc'] - median['vitc-run']):.2f} ms a photo, which is "
          f"what running alone leaves; the DataLoader alone takes {1e3 * median['peer-load']:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({
            "machine": about, "versions": versions(vitc), "photos": arguments.photos,
            "model": arguments.model, "seconds": seconds, "busy": own, "machine_busy": whole,
            "cosine": float(cosines.min())}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        print(json.dumps(peer(json.loads(sys.argv[2]))))
    else:
        main()
