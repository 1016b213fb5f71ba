"""Vectors of a folder of photos in Lightly's form, for its selection and its tools:

    python embed_lightly.py libdino.so photos/ embeddings.csv

`photos/` is a folder of photos, or of folders with one for each class, as `LightlyDataset` reads them.
"""

import argparse

import lightly.data
import lightly.utils.io
import numpy
import torch

import vitc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("photos")
    parser.add_argument("target")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2, help="processes that decode and resize")
    arguments = parser.parse_args()

    # The library has the checkpoint's preprocessing; it is pickled as its path.
    model = vitc.load(arguments.library)
    dataset = lightly.data.LightlyDataset(arguments.photos, transform=model.preprocess)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=arguments.batch, num_workers=arguments.workers,
        # One context in each process that decodes, made there.
        multiprocessing_context="spawn" if arguments.workers else None,
    )  # fmt: skip
    output = model.embedding_output()
    vectors, labels, names = [], [], []
    for images, targets, files in loader:
        vectors.append(model(images.numpy(), outputs=[output])[output])
        labels += targets.tolist()
        names += files
    lightly.utils.io.save_embeddings(
        arguments.target, numpy.concatenate(vectors), labels, list(names)
    )


if __name__ == "__main__":
    main()
