"""Every call of client/python/mnas.py against a running service: python prove.py URL."""

import io
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from PIL import Image, ImageDraw

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "client" / "python"))

from mnas import Classifier, Client, MnasError, UnreachableError  # noqa: E402

url = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp(prefix="m-nas-python-"))
colours = {"red": "#d01010", "green": "#10a020", "blue": "#1020d0"}


def drawn(label, radius):
    image = Image.new("RGB", (120, 90), "white")
    ImageDraw.Draw(image).ellipse((60 - radius, 45 - radius, 60 + radius, 45 + radius), fill=colours[label])
    path = folder / f"{label}-{radius}.png"
    image.save(path)
    return path


def proved(what):
    print(f"ok  {what}", flush=True)


classes = {label: [drawn(label, radius) for radius in (20, 25, 30)] for label in colours}
client = Client(url)
client.wait_until_ready(seconds=300)
proved("waits until the service is ready")

task = client.create_task(classes)
assert task["labels"] == ["blue", "green", "red"], task
assert task["estimate"]["evaluation"]["images"] == 9, task
assert client.get_task(task["id"]) == task
assert "estimate" not in client.create_task(classes, estimate="none")
proved("makes a task with its estimate, and gets it")

archive = folder / "photos.zip"
with zipfile.ZipFile(archive, "w") as file:
    for label, paths in classes.items():
        for path in paths:
            file.write(path, f"photos/{label}/{path.name}")
assert client.create_task(archive)["id"] == task["id"]
opened = {label: [io.BytesIO(path.read_bytes()) for path in paths] for label, paths in classes.items()}
assert client.create_task(opened)["id"] == task["id"]
proved("takes paths, an archive and open files for the same images")

started = client.start_task({label: paths[:2] for label, paths in classes.items()})
waited = client.wait_for_task(started["id"])
assert waited["shots"] == {"blue": 2, "green": 2, "red": 2}, waited
proved("starts a task and waits for it")

new = drawn("green", 35)
[prediction] = client.predict(task["id"], [new], top=2)
assert prediction["label"] == "green" and len(prediction["top"]) == 2, prediction
[unknown] = client.predict(task["id"], [new.read_bytes()], threshold=1)
assert unknown["label"] is None and unknown["unknown"], unknown
query = {"green": [new], "red": [drawn("red", 15)]}
evaluation = client.evaluate(task["id"], query)
assert evaluation["images"] == 2 and len(evaluation["confusion"]) == 3, evaluation
estimate = client.estimate(classes)
assert estimate["evaluation"] == task["estimate"]["evaluation"], estimate
proved("predicts, evaluates and estimates")

model = folder / "m-nas.onnx"
model.write_bytes(client.get_model(task["id"]))
assert model.stat().st_size == task["model"]["bytes"]
assert zipfile.ZipFile(io.BytesIO(client.get_bundle(task["id"]))).namelist()
assert len(client.get_embedding(task["id"])) > 1
assert any(checkpoint["id"] == task["checkpoint"] for checkpoint in client.checkpoints())
proved("gets model, bundle, embedding and checkpoints")

paths = [new, *(path for paths in classes.values() for path in paths)]
for mine, theirs in zip(Classifier(model).predict(paths), client.predict(task["id"], paths)):
    assert (mine["file"], mine["label"]) == (theirs["file"], theirs["label"]), (mine, theirs)
    assert abs(mine["known"] - theirs["known"]) < 1e-4, (mine, theirs)
    for label, probability in theirs["probabilities"].items():
        assert abs(mine["probabilities"][label] - probability) < 1e-4, (mine, theirs)
assert Classifier(model.read_bytes()).predict([new.read_bytes()], threshold=1)[0]["label"] is None
command = [sys.executable, root / "client/python/mnas.py", "--provider", "cpu", model, new]
assert '"label": "green"' in subprocess.run(command, check=True, capture_output=True, text=True).stdout
proved("classifies without the service as the service does")

regression = client.create_task([(-2, -0.9), (-1, -0.8), (0, 0.1), (1, 0.9)])
assert len(client.predict_y(regression["id"], [-1.5, 0.5])) == 2
assert client.evaluate(regression["id"], [(0, 0.1)])["points"] == 1
client.delete_task(regression["id"])
try:
    client.get_task(regression["id"])
    raise AssertionError("the task is still there")
except MnasError as error:
    assert (error.code, error.status) == ("unknown-task", 404), error
proved("regresses, removes a task, and raises the service's problem")

try:
    Client("http://127.0.0.1:1").checkpoints()
    raise AssertionError("nothing can have answered")
except UnreachableError as error:
    assert "http://127.0.0.1:1" in str(error) and "is the service running" in str(error), error
proved("says where it has looked when nothing answers")
print(f"all calls work with {url} ({os.path.basename(sys.executable)})")
