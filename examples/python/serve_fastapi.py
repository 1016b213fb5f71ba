"""Labels of pictures over HTTP, by FastAPI:

    MODEL=libdigits.so uvicorn --app-dir examples/python serve_fastapi:app
    curl -F picture=@digit.png localhost:8000/classify

A request is worked on by one of the threads that FastAPI keeps for functions that block; each has a
context of its own. For batches, bounded queues and metrics see `vitc serve`.
"""

import io
import os

import PIL.Image
from fastapi import FastAPI, HTTPException, UploadFile

import vitc

model = vitc.load(os.environ["MODEL"], threads=int(os.environ.get("THREADS", "1")))
app = FastAPI(title=os.path.basename(os.environ["MODEL"]))


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": model.selftest().passed}


@app.post("/classify")
def classify(picture: UploadFile, top: int = 3) -> list[dict[str, float | str]]:
    if not 1 <= top <= 100:
        raise HTTPException(422, f"top is {top}, expected 1 to 100")
    try:
        image = PIL.Image.open(io.BytesIO(picture.file.read()))
        classes = model.classify(image, top=top)
    except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise HTTPException(400, f"{picture.filename} is no picture: {error}") from error
    return [{"label": found.label, "score": float(found.score)} for found in classes]
