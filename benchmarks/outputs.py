#!/usr/bin/env python3
"""What more outputs cost: vitc beside OpenVINO, each with the same outputs of one ViT.

outputs.py VITC FOLDER [--model vit_base_patch16_224] [--threads 2] [--rounds 5] [--seconds 4]

The sets: logits alone, with the last layer's attention of the class token, with attention rollout, and
with four raw layers. For each, in FOLDER, once: vitc's library (weights `seed:1`, f32) and OpenVINO's model of
a PyTorch module that returns the same. The module computes weights by hand only in the layers whose weights
it returns; the others keep PyTorch's fused attention, which OpenVINO keeps as well.

Every output of both is checked against the module in float64 before anything is timed. Then all run in
turns, each in a process of its own, the others stopped. Printed: minimum and median in milliseconds, what
the outputs add to logits alone, and OpenVINO's time over vitc's. Nothing else should run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import warnings
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Scripts"), str(HERE.parent / "Scripts" / "goldens")]

LAYERS = [2, 5, 8, 11]
SETS = {
    "logits": [],
    "attention": ["attention:class"],
    "rollout": ["rollout"],
    "layers": ["layers:" + "+".join(map(str, LAYERS))],
}
LIMIT = 2e-5  # max over rms, as the regression tests have it for f32


def build(name, wanted):
    """timm's model with seeded weights that returns (logits, what `wanted` names…)."""
    import torch
    import torch.nn.functional as F
    from export import build as model_of

    vit = model_of(name, 224, "logits")

    def attend(attention, x, weigh):
        images, tokens, width = x.shape
        qkv = attention.qkv(x).reshape(images, tokens, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        if weigh:
            weights = (q * attention.scale @ k.transpose(-2, -1)).softmax(-1)
            mixed = weights @ v
        else:
            weights, mixed = None, F.scaled_dot_product_attention(q, k, v)
        return attention.proj(mixed.transpose(1, 2).reshape(images, tokens, width)), weights

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vit = vit

        def forward(self, images):
            x = self.vit.norm_pre(self.vit._pos_embed(self.vit.patch_embed(images)))
            layers, means, last = [], [], len(self.vit.blocks) - 1
            for index, block in enumerate(self.vit.blocks):
                weigh = wanted == "rollout" or (wanted == "attention" and index == last)
                mixed, weights = attend(block.attn, block.norm1(x), weigh)
                x = x + mixed
                x = x + block.mlp(block.norm2(x))
                if wanted == "layers" and index in LAYERS:
                    layers.append(x[:, 1:])
                if wanted == "rollout":
                    means.append(weights.mean(1))
            results = [self.vit.forward_head(self.vit.norm(x))]
            if wanted == "attention":
                results.append(weights[:, :, 0, 1:])
            if wanted == "rollout":
                row = torch.zeros_like(means[0][:, :1])
                row[:, :, 0] = 1
                for mean in reversed(means):
                    row = (row @ mean + row) / 2
                results.append(row[:, 0, 1:])
            return tuple(results + layers)

    return Module().eval()


def prepare(vitc, folder, name, key):
    """Writes what one set needs; returns the paths of vitc's library and OpenVINO's model."""
    import openvino
    import torch
    from seedweights import seeded

    place = folder / key
    library, model, golden = place / "libvit.so", place / "model.xml", place / "golden.npz"
    if golden.exists():
        return library, model
    place.mkdir(parents=True, exist_ok=True)
    outputs = ",".join(["logits", *SETS[key]])
    subprocess.run(
        [vitc, "compile", name, "--weights", "seed:1", "--outputs", outputs, "-o", library], check=True
    )
    pixels = seeded("input", (1, 3, 224, 224), 1)
    numpy.save(place / "input.npy", pixels)
    pixels = torch.from_numpy(pixels)
    with torch.inference_mode():
        module = build(name, key)
        converted = openvino.convert_model(module, example_input=pixels)
        converted.reshape(list(pixels.shape))
        openvino.save_model(converted, model, compress_to_fp16=False)
        values = module.double()(pixels.double())
    numpy.savez(golden, *[value.numpy() for value in values])
    return library, model


def check(name, results, golden):
    """The largest difference of any output, over the root mean square of that output."""
    if len(results) != len(golden.files):
        raise SystemExit(f"{name}: {len(results)} outputs, PyTorch has {len(golden.files)}")
    worst = 0.0
    for index, result in enumerate(results):
        right = golden[golden.files[index]]
        rms = numpy.sqrt(numpy.mean(right**2))
        worst = max(worst, float(abs(result.astype("f8").reshape(right.shape) - right).max() / rms))
    if not worst <= LIMIT:
        raise SystemExit(f"{name}: an output is {worst:.1e} of its rms from PyTorch's, at most {LIMIT:.0e}")
    return worst


def work(runtime, path, place, threads):
    """The process of one runtime: checks its outputs, then answers lines by lists of milliseconds."""
    from worker import measure

    images = numpy.load(Path(place, "input.npy"))
    if runtime == "vitc":
        from vitlib import CompiledModel

        model = CompiledModel(path, threads)
        run = lambda: list(model.run(images).values())
        version = model.compiler_version
    else:
        import openvino

        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
        }
        request = openvino.Core().compile_model(path, "CPU", options).create_infer_request()

        def run():
            results = request.infer({0: images}, share_inputs=True, share_outputs=True)
            return [results[index] for index in range(len(results))]

        version = openvino.__version__.split("-")[0]
    worst = check(f"{runtime}, {Path(place).name}", run(), numpy.load(Path(place, "golden.npz")))
    print(json.dumps([version, worst]), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(run, float(line), 3, 200)), flush=True)


class Worker:
    """A process of `work`, stopped whenever it is not asked for something."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.version, self.error = self.answer()
        self.process.send_signal(19)  # SIGSTOP

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a runtime ended; its message stands above")
        return json.loads(line)

    def times(self, seconds):
        self.process.send_signal(18)  # SIGCONT
        print(seconds, file=self.process.stdin, flush=True)
        answer = self.answer()
        self.process.send_signal(19)
        return answer


def main() -> None:
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["--work"]:
        runtime, path, place, threads = sys.argv[2:]
        return work(runtime, path, place, int(threads))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vitc", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    settings = parser.parse_args()
    workers, times = {}, {}
    try:
        for key in SETS:
            paths = prepare(settings.vitc.resolve(), settings.folder, settings.model, key)
            for runtime, path in zip(["vitc", "OpenVINO"], paths):
                worker = Worker(runtime, path, settings.folder / key, settings.threads)
                workers[key, runtime], times[key, runtime] = worker, []
        names = list(workers)
        for turn in range(settings.rounds):
            start = turn % len(names)
            for name in names[start:] + names[:start]:
                times[name] += workers[name].times(settings.seconds / len(SETS))
    finally:
        for worker in workers.values():
            worker.process.kill()
            worker.process.wait()
    print(f"{settings.model}, f32, one image, {settings.threads} threads; "
          + ", ".join(f"{runtime} {workers['logits', runtime].version}" for runtime in ["vitc", "OpenVINO"]))
    print("| outputs | runtime | min ms | median ms | over logits alone (min) | off from float64 |")
    print("|---|---|---:|---:|---:|---:|")
    for key, runtime in names:
        least, middle = min(times[key, runtime]), statistics.median(times[key, runtime])
        added = least / min(times["logits", runtime]) - 1
        outputs = ", ".join(["logits", *SETS[key]])
        print(f"| {outputs} | {runtime} | {least:.2f} | {middle:.2f} | {100 * added:+.1f} % "
              f"| {workers[key, runtime].error:.1e} |")
    for key in SETS:
        ours, theirs = times[key, "vitc"], times[key, "OpenVINO"]
        print(f"{', '.join(['logits', *SETS[key]])}: OpenVINO / vitc {min(theirs) / min(ours):.2f} (min), "
              f"{statistics.median(theirs) / statistics.median(ours):.2f} (median)")


if __name__ == "__main__":
    main()
