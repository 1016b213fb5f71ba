#!/usr/bin/env python3
"""Latency of a compiled model against OpenVINO, ONNX Runtime and PyTorch, all float32.

  vitc compile ViT-B/16 --weights seed:1 -o libvit.so
  python peers.py --library libvit.so --threads 2

Every runtime gets timm's model with the weights of `seed:1`, so the outputs can be, and are,
compared: the column "error" is |y - yPyTorch|∞ / rms(yPyTorch). Each runtime lives in a process of
its own. In every round each of them in turn (the order rotates) makes one warm-up run and
--iterations timed ones while the others sleep; so a machine that slows down slows all of them. The
ratio is the median over the rounds of (its fastest run / the compiled model's fastest run in the
same round): above 1, the compiled model is faster.

OpenVINO is held to f32 (it would choose bf16 by itself on some CPUs).

Made with torch 2.13.0, timm 1.0.31, openvino 2026.4.1, onnxruntime 1.32.0, numpy 2.4.6:
  pip install torch timm openvino onnxruntime onnx onnxscript numpy
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
PEERS = ["openvino", "onnxruntime", "pytorch"]
PAUSE = 0.1  # seconds before each burst, so that the previous runtime's threads stop spinning


def seeded_model(settings):
    """timm's model with seeded weights, and the seeded input."""
    sys.path.insert(0, str(SCRIPTS / "goldens"))
    import timm
    import torch
    from seedweights import fill, seeded

    torch.set_num_threads(settings.threads)
    model = fill(timm.create_model(settings.model).eval(), settings.seed)
    shape = (settings.batch, 3, *model.patch_embed.img_size)
    return model, torch.from_numpy(seeded("input", shape, settings.seed))


def open_pytorch(settings, compiled=False):
    import torch

    model, images = seeded_model(settings)
    if compiled:
        model = torch.compile(model)

    def run():
        with torch.inference_mode():
            return model(images).numpy()

    return run, torch.__version__


def open_inductor(settings):
    return open_pytorch(settings, compiled=True)


def open_openvino(settings):
    import openvino

    model, images = seeded_model(settings)
    converted = openvino.convert_model(model, example_input=images)
    converted.reshape(list(images.shape))
    compiled = openvino.Core().compile_model(
        converted,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": settings.threads,
        },
    )
    request, pixels = compiled.create_infer_request(), images.numpy()

    def run():
        return request.infer({0: pixels}, share_inputs=True, share_outputs=True)[0]

    return run, openvino.__version__.split("-")[0]


def open_onnxruntime(settings):
    import onnxruntime
    import torch

    model, images = seeded_model(settings)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        with torch.inference_mode():
            torch.onnx.export(model, (images,), path, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images.numpy()}
    return (lambda: session.run(None, feed)[0]), onnxruntime.__version__


def open_vitc(settings):
    sys.path[:0] = [str(SCRIPTS), str(SCRIPTS / "goldens")]
    from seedweights import seeded
    from vitlib import CompiledModel

    model = CompiledModel(settings.library, settings.threads)
    output = next(iter(model.outputs))
    images = seeded("input", (settings.batch, *model.input_shape), settings.seed)
    return (lambda: model.run(images)[output]), f"{model.compiler_version} ({model.target})"


def serve(peer, settings, connection):
    """A runtime's process: opens it, then answers each number n with n timed runs."""
    warnings.simplefilter("ignore")
    try:
        with open(os.devnull, "w") as quiet:
            sys.stdout = quiet  # exporters talk
            run, version = globals()[f"open_{peer}"](settings)
            connection.send((version, run().copy()))
    except Exception as error:  # whatever a missing or failing runtime raises is reported
        connection.send((None, f"{type(error).__name__}: {error}"))
        return
    while iterations := connection.recv():
        run()
        times = []
        for _ in range(iterations):
            started = time.perf_counter()
            run()
            times.append((time.perf_counter() - started) * 1e3)
        connection.send(times)


def start(peers, settings):
    """By name: process with connection, version, output. Says which runtimes fail, and why."""
    context = multiprocessing.get_context("spawn")
    running, outputs, versions = {}, {}, {}
    for peer in peers:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(peer, settings, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            version, output = ours.recv()
        except EOFError:
            version, output = None, "its process ended"
        if version is None:
            if peer == "vitc":
                raise SystemExit(f"{settings.library}: {output}")
            print(f"{peer}: left out: {output}", file=sys.stderr)
            continue
        running[peer], versions[peer], outputs[peer] = (process, ours), version, output
    return running, versions, outputs


def measure(running, settings):
    """Milliseconds by name: one list for each round."""
    times = {peer: [] for peer in running}
    for turn in range(settings.rounds):
        order = list(running)
        for peer in order[turn % len(order) :] + order[: turn % len(order)]:
            time.sleep(PAUSE)
            _, connection = running[peer]
            connection.send(settings.iterations)
            times[peer].append(connection.recv())
    for process, connection in running.values():
        connection.send(0)
        process.join()
    return times


def relative_error(output, golden):
    """|output - golden|∞ / rms(golden); None where the shapes differ (another model's library)."""
    if output.shape != golden.shape:
        return None
    return float(abs(output - golden).max() / (golden.astype("f8") ** 2).mean() ** 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, help="compiled by vitc; without it, peers only")
    parser.add_argument("--model", default="vit_base_patch16_224", help="timm's name")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--iterations", type=int, default=5, help="timed runs in each round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", default=",".join(PEERS), help="also: inductor")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    settings = parser.parse_args()
    peers = settings.peers.split(",")
    for peer in peers:
        if peer not in [*PEERS, "inductor"]:
            parser.error(f"unknown peer '{peer}'; there are {', '.join(PEERS)}, inductor")
    if min(settings.batch, settings.threads, settings.rounds, settings.iterations) < 1:
        parser.error("batch, threads, rounds and iterations must be 1 or more")
    if settings.library:
        settings.library = settings.library.resolve()
        peers = ["vitc", *peers]
    running, versions, outputs = start(peers, settings)
    if not running:
        raise SystemExit("nothing to measure")
    times = measure(running, settings)
    base = "vitc" if "vitc" in times else next(iter(times))
    fastest = {peer: [min(burst) for burst in rounds] for peer, rounds in times.items()}
    results = []
    for peer, rounds in times.items():
        flat = [value for burst in rounds for value in burst]
        error = relative_error(outputs[peer], outputs["pytorch"]) if "pytorch" in outputs else None
        result = {
            "runtime": peer,
            "version": versions[peer],
            "min_ms": min(flat),
            "median_ms": statistics.median(flat),
            "ratio": statistics.median(a / b for a, b in zip(fastest[peer], fastest[base])),
            "error": error,
        }
        results.append(result)
    report = {
        "model": settings.model,
        "batch": settings.batch,
        "threads": settings.threads,
        "rounds": settings.rounds,
        "iterations": settings.iterations,
        "machine": platform.machine(),
        "ratio_to": base,
        "results": results,
    }
    if settings.json:
        print(json.dumps(report))
        return
    print(f"{settings.model}, batch {settings.batch}, {settings.threads} threads, "
          f"{settings.rounds} rounds of {settings.iterations}; ratio to {base}")
    print(f"{'runtime':12} {'min ms':>9} {'median ms':>9} {'ratio':>6} {'error':>8}  version")
    for result in results:
        error = "-" if result["error"] is None else f"{result['error']:.1e}"
        print(f"{result['runtime']:12} {result['min_ms']:9.2f} {result['median_ms']:9.2f} "
              f"{result['ratio']:6.2f} {error:>8}  {result['version']}")


if __name__ == "__main__":
    main()
