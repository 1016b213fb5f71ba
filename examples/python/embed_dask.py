"""Vectors of all pictures of Parquet files, by Dask:

    python embed_dask.py libdino.so photos/ vectors/ --workers 4

`photos/` has Parquet files with a column `image` of PNG or JPEG bytes; `vectors/` gets the other columns
and `vector`. Each worker is a process that runs one task at a time on one processor.
"""

import argparse

import dask
import dask.dataframe

import vitc.dask

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--column", default="image")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    dask.config.set(scheduler="processes", num_workers=arguments.workers)
    frame = dask.dataframe.read_parquet(arguments.source, split_row_groups=True)
    vitc.dask.embed(
        frame, arguments.library, column=arguments.column, threads=arguments.threads,
        on_error="nan",
    ).to_parquet(arguments.target, write_index=False)  # fmt: skip
