"""A compiled encoder as a model of FiftyOne: vectors, and labels where it has classes.

    python fiftyone_model.py libdino.so photos/

loads a folder of photos, computes their vectors, finds near duplicates and the most unusual photos, and
prints them; the data set stays in FiftyOne's database for its app.
"""

import argparse

import fiftyone
import fiftyone.core.models
import numpy

import vitc


class CompiledModel(fiftyone.core.models.Model, fiftyone.core.models.EmbeddingsMixin):
    """For `dataset.compute_embeddings` and `dataset.apply_model`."""

    def __init__(self, library, threads=0, output=None):
        self.model = vitc.load(library, threads=threads)
        self.output = output
        self.vectors = None

    media_type = "image"
    ragged_batches = True  # pictures have sizes of their own
    transforms = None  # the library has the checkpoint's
    preprocess = False
    has_embeddings = True

    def embed(self, arg):
        return self.embed_all([arg])[0]

    def embed_all(self, args):
        return self.model.embed([numpy.asarray(arg) for arg in args], output=self.output)

    def get_embeddings(self):
        return self.vectors

    def predict(self, arg):
        return self.predict_all([arg])[0]

    def predict_all(self, args):
        answers = self.model.classify([numpy.asarray(arg) for arg in args], top=1)
        return [
            fiftyone.Classification(label=best[0].label, confidence=best[0].score)
            for best in answers
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("photos")
    parser.add_argument("--name", help="the data set's name; a temporary one if absent")
    arguments = parser.parse_args()

    dataset = fiftyone.Dataset.from_images_dir(arguments.photos, name=arguments.name)
    dataset.persistent = arguments.name is not None
    model = CompiledModel(arguments.library)
    dataset.compute_embeddings(model, embeddings_field="vitc", batch_size=32)
    vectors = numpy.array(dataset.values("vitc"))
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors @ vectors.T - 2 * numpy.eye(len(vectors))
    paths = dataset.values("filepath")
    closest = near.max(axis=1)
    print(f"{len(dataset)} photos, vectors of {vectors.shape[1]}")
    twin = int(closest.argmax())
    print(f"most alike {closest.max():.3f}: {paths[twin]} {paths[int(near[twin].argmax())]}")
    print(f"most unusual {closest.min():.3f}: {paths[int(closest.argmin())]}")
