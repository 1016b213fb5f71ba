"""Vectors of all pictures of Parquet files, by Ray Data:

    python embed_ray.py libdino.so photos/ vectors/ --workers 4 --threads 2

`photos/` has Parquet files with a column `image` of PNG or JPEG bytes; `vectors/` gets the other columns
and `vector`. Four workers of two threads each use eight processors, and one copy of the weights; the
machine must have more, since tasks that read and write take some as well.
On a cluster, the same with `ray.init(address="auto")` where the library is at one path on every node.
"""

import argparse

import ray

import vitc.ray

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("library")
parser.add_argument("source")
parser.add_argument("target")
parser.add_argument("--column", default="image")
parser.add_argument("--workers", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--batch", type=int, default=64)
arguments = parser.parse_args()

ray.data.read_parquet(arguments.source).map_batches(
    vitc.ray.Embed,
    fn_constructor_args=(arguments.library,),
    fn_constructor_kwargs={
        "column": arguments.column,
        "threads": arguments.threads,
        "batch": arguments.batch,
        "on_error": "nan",
    },
    num_cpus=arguments.threads,
    compute=ray.data.ActorPoolStrategy(size=arguments.workers),
    batch_size=arguments.batch,
).write_parquet(arguments.target)
