"""Vectors of all pictures of Parquet files, by Spark:

    python embed_spark.py libdino.so photos/ vectors/ --master "local[4]"

`photos/` has Parquet files with a column `image` of PNG or JPEG bytes; `vectors/` gets the other columns
and `vector`. Each task runs on one processor, or on what `spark.task.cpus` says.
"""

import argparse

from pyspark.sql import SparkSession

import vitc.spark

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--column", default="image")
    parser.add_argument("--master", default="local[*]")
    arguments = parser.parse_args()

    spark = (
        SparkSession.builder.master(arguments.master)
        .config("spark.sql.parquet.compression.codec", "zstd")
        # What a task holds at once: pictures are large.
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "256")
        .getOrCreate()
    )
    frame = spark.read.parquet(arguments.source)
    vitc.spark.embed(
        frame, arguments.library, column=arguments.column, on_error="nan"
    ).write.parquet(arguments.target)
    spark.stop()
