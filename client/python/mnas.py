"""M-NAS from Python: the service's calls, and its classifiers without the service.

    pip install requests onnxruntime numpy 'pillow>=13'

    from mnas import Classifier, Client

    client = Client("http://localhost:8080")
    task = client.create_task({"cat": ["1.jpg", "2.jpg"], "dog": ["3.jpg", "4.jpg"]})
    print(task["labels"], task.get("estimate"))
    print(client.predict(task["id"], ["new.jpg"]))

    classifier = Classifier(client.get_model(task["id"]))    # no service from here on
    print(classifier.predict(["new.jpg"], threshold=0.5))

As a command it classifies with a downloaded file, and prints a JSON object a line:

    python mnas.py m-nas.onnx new1.jpg new2.jpg
    python mnas.py --provider cuda --threshold 0.5 m-nas.onnx new1.jpg

`Client` needs requests, `Classifier` the other three. With CUDA: onnxruntime-gpu in place of onnxruntime.
"""

import argparse
import io
import json
import os
import sys
import time


class MnasError(Exception):
    """The service refused a request, or failed; `problem` says why (RFC 9457)."""

    def __init__(self, problem):
        super().__init__(f"{problem['title']}: {problem['detail']}")
        self.problem = problem
        self.code = problem["code"]
        self.status = problem["status"]


class ForeignAnswerError(Exception):
    """The answer is not the service's: a proxy before it, or something else, has answered."""

    def __init__(self, status, body):
        super().__init__(f"{status}: not an answer of the service")
        self.status = status
        self.body = body


class UnreachableError(Exception):
    """Nothing has answered at the service's address."""


class Client:
    """The service's calls. Answers are what openapi.yaml says, as dicts.

    An image is a path, the bytes of a file or an open binary file. Images by label are a dict of lists; a
    path that ends in `.zip` is an archive with a folder a class. Every method raises MnasError for a
    refusal, ForeignAnswerError for one that is not the service's, UnreachableError where nothing answers.
    """

    def __init__(self, base_url="http://localhost:8080", api_key=None, timeout=190):
        """`timeout` is in seconds, for one answer: the service's own deadline is 180 by default."""
        import requests

        self._requests = requests
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        if api_key is not None:
            self._session.headers["Authorization"] = f"Bearer {api_key}"

    def create_task(self, support, checkpoint=None, steps=None, estimate=None, **budget):
        """The task of images by label, of an archive, or of points [(x, y), ...]: made, or found.

        `estimate` is "auto" (where it costs nothing), "always" or "none". Of images, `max_weights`,
        `max_multiply_adds` and `max_bytes` are what the network may cost at most.
        """
        query = {"checkpoint": checkpoint, "steps": steps, "estimate": estimate, **_limits(**budget)}
        return self._ask("POST", "/v1/tasks", query, **_body(support, "support")).json()

    def start_task(self, support, checkpoint=None, steps=None, **budget):
        """The same without waiting: the task where it is there, else how it comes along."""
        query = {"checkpoint": checkpoint, "steps": steps, **_limits(**budget)}
        body = _body(support, "support")
        return self._ask("POST", "/v1/tasks", query, headers={"Prefer": "respond-async"}, **body).json()

    def wait_for_task(self, id, seconds=600):
        """The task with this id as soon as it is made. Raises TimeoutError when the time is over."""
        end = time.monotonic() + seconds
        while True:
            progress = self._ask("GET", f"/v1/tasks/{id}/progress").json()
            if progress["state"] == "ready":
                return progress["task"]
            if progress["state"] == "failed":
                raise MnasError(progress["problem"])
            if time.monotonic() > end:
                raise TimeoutError(f"the task {id} is not ready after {seconds} seconds")
            time.sleep(0.5)

    def wait_until_ready(self, seconds=60):
        """Waits until the service is there and ready; raises the last error when the time is over."""
        end = time.monotonic() + seconds
        while True:
            try:
                self._ask("GET", "/readyz")
                return
            except (UnreachableError, MnasError, ForeignAnswerError) as error:
                starting = isinstance(error, UnreachableError) or error.status in (502, 503, 504)
                if not starting or time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def get_task(self, id):
        return self._ask("GET", f"/v1/tasks/{id}").json()

    def delete_task(self, id):
        self._ask("DELETE", f"/v1/tasks/{id}")

    def predict(self, id, images, top=None, threshold=None):
        """What the task's model says of images, in their order.

        `known` is the probability that an image belongs to one of the classes at all. With a `threshold`
        an image below it is unknown: its label is None.
        """
        files = [("images", _file(image)) for image in images]
        query = {"top": top, "threshold": threshold}
        return self._ask("POST", f"/v1/tasks/{id}/predictions", query, files=files).json()["predictions"]

    def predict_y(self, id, x):
        """What a regression task's model says of every x."""
        answer = self._ask("POST", f"/v1/tasks/{id}/predictions", json={"x": list(x)}).json()
        return [prediction["y"] for prediction in answer["predictions"]]

    def evaluate(self, id, query, threshold=None):
        """How well the task's model does on labelled images, or points, that it has not seen."""
        path = f"/v1/tasks/{id}/evaluations"
        return self._ask("POST", path, {"threshold": threshold}, **_body(query, "query")).json()

    def estimate(self, images, checkpoint=None, steps=None, **budget):
        """How accurate the task of labelled images is, by leaving images out; nothing is kept."""
        query = {"checkpoint": checkpoint, "steps": steps, **_limits(**budget)}
        return self._ask("POST", "/v1/estimates", query, **_body(images, "support")).json()

    def get_model(self, id, weights=None):
        """The bytes of the task's ONNX file; `weights` may be "float32" (no float16 in it) or "int8"."""
        return self._ask("GET", f"/v1/tasks/{id}/model", {"weights": weights}).content

    def get_bundle(self, id):
        """The bytes of a zip: the task as a model repository for Triton and KServe."""
        return self._ask("GET", f"/v1/tasks/{id}/bundle").content

    def get_embedding(self, id):
        """z of the task: near one another for like tasks of one checkpoint."""
        return self._ask("GET", f"/v1/tasks/{id}/embedding").json()["embedding"]

    def checkpoints(self, ways=None):
        """What tasks can start from, and what their architectures cost for so many classes (5)."""
        return self._ask("GET", "/v1/checkpoints", {"ways": ways}).json()["checkpoints"]

    def _ask(self, method, path, query=None, **options):
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = self.base_url + path
        try:
            answer = self._session.request(method, url, params=given, timeout=self.timeout, **options)
        except (self._requests.ConnectionError, self._requests.Timeout) as error:
            message = f"no answer from {self.base_url} ({error}): is the service running there?"
            raise UnreachableError(message) from error
        if answer.ok:
            return answer
        if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
            raise MnasError(answer.json())
        raise ForeignAnswerError(answer.status_code, answer.text)


def _limits(max_weights=None, max_multiply_adds=None, max_bytes=None):
    """A budget as parameters of a request."""
    return {"maxWeights": max_weights, "maxMultiplyAdds": max_multiply_adds, "maxBytes": max_bytes}


def _file(image):
    """A part of a form: file name and content."""
    if isinstance(image, (str, os.PathLike)):
        with open(image, "rb") as file:
            return os.path.basename(image), file.read()
    return ("image", image) if isinstance(image, bytes) else ("image", image.read())


def _body(support, member):
    """The body of a set of images by label, of an archive, or of points."""
    if isinstance(support, dict):
        return {"files": [(label, _file(image)) for label, images in support.items() for image in images]}
    if isinstance(support, (str, os.PathLike)):
        return {"files": [(member, _file(support))]}
    return {"json": {member: [[float(x), float(y)] for x, y in support]}}


PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class Classifier:
    """A task's ONNX file, run here by onnxruntime: from the same pixels it answers as the service does."""

    def __init__(self, model, provider=None):
        """`model` is a path or the file's bytes; `provider` "cpu" or "cuda", by default the GPU where there is one."""
        import onnxruntime

        available = onnxruntime.get_available_providers()
        wanted = [PROVIDERS[provider]] if provider else [PROVIDERS["cuda"], PROVIDERS["cpu"]]
        providers = [name for name in wanted if name in available]
        if not providers:
            raise RuntimeError(f"this onnxruntime has no {wanted[0]}; it has {', '.join(available)}")
        source = model if isinstance(model, bytes) else os.fspath(model)
        self.session = onnxruntime.InferenceSession(source, providers=providers)
        self.labels = json.loads(self.session.get_modelmeta().custom_metadata_map["names"])
        self.size = self.session.get_inputs()[0].shape[2]

    def predict(self, images, threshold=None):
        """Predictions as `Client.predict` gives them."""
        import numpy as np

        batch = np.stack([self._pixels(image) for image in images])  # [n, 3, s, s]
        probabilities, known = self.session.run(["probabilities", "known"], {"image": batch})
        rows = zip(images, probabilities.tolist(), known[:, 0].tolist())
        return [self._prediction(image, row, k, threshold) for image, row, k in rows]

    def _prediction(self, image, row, known, threshold):
        best = max(range(len(row)), key=row.__getitem__)
        unknown = threshold is not None and known < threshold
        return {
            "file": os.path.basename(image) if isinstance(image, (str, os.PathLike)) else "image",
            "label": None if unknown else self.labels[best],
            "probability": row[best],
            "known": known,
            **({} if threshold is None else {"unknown": unknown}),
            "probabilities": dict(zip(self.labels, row)),
        }

    def _pixels(self, image):
        """An image as the network's input, float32 [3, s, s] in 0..1."""
        import numpy as np
        from PIL import Image, ImageOps

        source = io.BytesIO(image) if isinstance(image, bytes) else image
        picture = ImageOps.exif_transpose(Image.open(source)).convert("RGBA")
        canvas = Image.new("RGBA", picture.size, "white")
        canvas.alpha_composite(picture)  # transparency on white
        square = canvas.convert("RGB").resize((self.size, self.size), Image.Resampling.LANCZOS)  # squeezed
        return np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / 255


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--provider", choices=PROVIDERS)
    parser.add_argument("--threshold", type=float)
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    arguments = parser.parse_args()
    try:
        classifier = Classifier(arguments.model, arguments.provider)
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"running on {classifier.session.get_providers()[0]}", file=sys.stderr)
    for image in arguments.images:
        print(json.dumps(classifier.predict([image], arguments.threshold)[0]))


if __name__ == "__main__":
    main()
