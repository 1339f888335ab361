"""Makes a task and predicts with the client that openapi-python-client generated of openapi.yaml.

    python generated.py CLIENT URL IMAGES

IMAGES has files LABEL-NUMBER.png. Exits with an error where the answer is another than the file's label.
"""

import importlib
import sys
from io import BytesIO
from pathlib import Path

folder, url, images = Path(sys.argv[1]), sys.argv[2], sorted(Path(sys.argv[3]).glob("*.png"))
sys.path.insert(0, str(folder))
package = next(folder.glob("*/client.py")).parent.name


def part(name):
    return importlib.import_module(f"{package}.{name}")


def file_of(path):
    return part("types").File(payload=BytesIO(path.read_bytes()), file_name=path.name, mime_type="image/png")


def called(operation, **arguments):
    answer = part(f"api.tasks.{operation}").sync_detailed(client=client, **arguments)
    assert answer.status_code < 300, (answer.status_code, answer.content)
    return answer.parsed


client = part("client").Client(base_url=url, timeout=300)
models = part("models")
support = models.CreateTaskFilesBody()
for path in images:
    label = path.stem.split("-")[0]
    support.additional_properties.setdefault(label, []).append(file_of(path))
task = called("create_task", body=support)
query = models.CreatePredictionsFilesBody(images=[file_of(path) for path in images])
predictions = called("create_predictions", id=task.id, body=query).predictions
assert [each.label for each in predictions] == [path.stem.split("-")[0] for path in images]
print(f"openapi-python-client: {len(predictions)} images uploaded, adapted to and predicted")
