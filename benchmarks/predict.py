"""What `vitc bench --simulate` predicts beside what runs, on the thread counts that are here.

    python3 predict.py --vitc ../.build/release/vitc --work DIR

Measurements and predictions take turns. Prints for each model and thread count the minimum and
the median of both in milliseconds, and predicted / measured.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess

MODELS = ("vit_base_patch16_224", "vit_small_patch16_224")
PRECISIONS = ("f32", "int8")


def run(vitc, *arguments):
    """The JSON that a command of vitc prints."""
    output = subprocess.run(
        [vitc, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(output)


def compiled(settings, model, precision):
    """The library of a model, compiled unless it is there."""
    library = settings.work / f"{model}-{precision}.so"
    if not library.exists():
        command = [settings.vitc, "compile", model, "--weights", "seed:1", "--quiet"]
        subprocess.run([*command, "--precision", precision, "-o", library], check=True)
    return library


def compare(settings, library, threads):
    """By thread count: measured and predicted times, one of each for each round."""
    counts = ",".join(map(str, threads))
    times = {count: ([], []) for count in threads}
    for _ in range(settings.rounds):
        ran = run(
            settings.vitc, "bench", library, "--threads", counts, "--seconds", settings.seconds,
            "--json", "--quiet",
        )
        said = run(settings.vitc, "bench", library, "--simulate", counts, "--json", "--quiet")
        for real, predicted in zip(ran["results"], said["results"], strict=True):
            assert real["threads"] == predicted["threads"]
            measured, prediction = times[real["threads"]]
            measured.append(real["min_ms"])
            prediction.append(predicted["ms"])
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--vitc", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where libraries go")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    settings = parser.parse_args()
    settings.work.mkdir(parents=True, exist_ok=True)
    threads = sorted({1, min(2, len(os.sched_getaffinity(0)))})
    print("model precision threads | measured min median | predicted min median | ratio min median")
    for model in MODELS:
        for precision in PRECISIONS:
            library = compiled(settings, model, precision)
            for count, columns in compare(settings, library, threads).items():
                (low, middle), (least, median) = (
                    (min(column), statistics.median(column)) for column in columns
                )
                print(
                    f"{model} {precision} {count} | {low:.2f} {middle:.2f} | {least:.2f} "
                    f"{median:.2f} | {least / low:.3f} {median / middle:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
