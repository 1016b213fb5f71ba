"""Ray Data, on this machine alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from conftest import EXAMPLES, check

# No dashboard, no reports: everything stays on loopback.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_TMPDIR": "",
    "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
}


@pytest.fixture(scope="module")
def ray():
    import ray

    os.environ.update({key: value for key, value in ENVIRONMENT.items() if value})
    # The two processors of the actors, and two for the tasks that read and write.
    ray.init(num_cpus=4, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield ray
    ray.shutdown()


def test_workers_share_the_work(ray, library: Path, source: Path, expected, tmp_path: Path) -> None:
    import vitc.ray

    ray.data.read_parquet(str(source)).map_batches(
        vitc.ray.Embed, fn_constructor_args=(str(library),),
        fn_constructor_kwargs={"on_error": "nan", "output": "features"},
        num_cpus=1, compute=ray.data.ActorPoolStrategy(size=2), batch_size=50,
    ).write_parquet(str(tmp_path))  # fmt: skip
    check(tmp_path, expected)


def test_damage_is_an_error_by_default(ray, library: Path, source: Path) -> None:
    import vitc.ray

    data = ray.data.read_parquet(str(source)).map_batches(
        vitc.ray.Embed, fn_constructor_args=(str(library),), num_cpus=1, batch_size=50,
        compute=ray.data.ActorPoolStrategy(size=1),
    )  # fmt: skip
    with pytest.raises(Exception, match="is no picture that Pillow knows|is damaged"):
        data.materialize()


def test_actors_share_the_weights(ray, library: Path) -> None:
    """Of the library's pages each of four actors has its part."""
    import vitc.ray

    @ray.remote(num_cpus=0)
    class Worker:
        def __init__(self, path: str) -> None:
            self.embed = vitc.ray.Embed(path)
            self.embed({"image": numpy.zeros((1, 32, 32, 3), numpy.uint8)})

        def memory(self, path: str) -> tuple[int, int]:
            """Resident and proportional kB of the library's mappings that are not written to."""
            text = Path("/proc/self/smaps").read_text()
            resident = proportional = 0
            for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
                if path in mapping.splitlines()[0]:
                    resident += int(re.search(r"\nRss: +(\d+)", mapping)[1])
                    proportional += int(re.search(r"\nPss: +(\d+)", mapping)[1])
            return resident, proportional

    workers = [Worker.remote(str(library)) for _ in range(4)]
    found = ray.get([worker.memory.remote(str(library)) for worker in workers])
    found = ray.get([worker.memory.remote(str(library)) for worker in workers])
    for resident, proportional in found:
        assert resident > 500 and proportional < 0.45 * resident, found


def test_the_example_runs(library: Path, source: Path, expected, tmp_path: Path) -> None:
    program = (
        "import ray, runpy, sys\n"
        "ray.init(num_cpus=4, include_dashboard=False, logging_level='ERROR')\n"
        f"runpy.run_path({str(EXAMPLES / 'embed_ray.py')!r}, run_name='__main__')\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, library, source, tmp_path / "out", "--workers", "2"],
        check=True, env=os.environ | {key: value for key, value in ENVIRONMENT.items() if value},
    )  # fmt: skip
    check(tmp_path / "out", expected)
