"""Vectors of all pictures of Parquet files, by Daft:

    python embed_daft.py libdino.so photos/ vectors/

`photos/` has Parquet files with a column `image` of PNG or JPEG bytes; `vectors/` gets the other columns
and `vector`.
"""

import argparse

import daft

import vitc.daft

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--column", default="image")
    arguments = parser.parse_args()

    frame = daft.read_parquet(f"{arguments.source}/*.parquet")
    vitc.daft.embed(
        frame, arguments.library, column=arguments.column, on_error="nan"
    ).write_parquet(arguments.target)
