import { describeTask } from '../describe-task.ts';
import type { ImagesRecord, TaskRecord } from '../../storage/record.ts';

/** A fence that nothing in the code can end. */
const fenced = (language: string, code: string): string => `~~~~~~~~${language}\n${code}\n~~~~~~~~`;

/** A list of strings in Python, in ASCII: JSON but for the escapes of characters beyond the basic plane. */
const pythonList = (strings: readonly string[]): string =>
  JSON.stringify(strings).replaceAll(
    /[^ -~]/gu,
    (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`,
  );

/** README.md of a bundle: what it is, and clients that can be copied. */
export function readmeOf(record: TaskRecord): string {
  const { id, checkpoint, steps } = record;
  const { input, outputs } = describeTask(record).model;
  const tensors = [input, ...outputs].map(
    ({ name, shape }, i) =>
      `| ${i === 0 ? 'input' : 'output'} | \`${name}\` | float32 | [${shape.join(', ')}] |`,
  );
  return `# M-NAS task ${id}

A model made by M-NAS from a support set: checkpoint \`${checkpoint.id}\`, ${steps} inner steps. This folder is a model of a Triton or
KServe model repository: put it into one as it is. \`1/model.onnx\` needs nothing but onnxruntime, \`manifest.json\` has the
task's description and the hashes of all files.

| | name | type | shape |
| --- | --- | --- | --- |
${tensors.join('\n')}

\`n\` is the free batch size.

${record.kind === 'images' ? imagesSections(record) : regressionSections(id)}

## Serve it

${fenced(
  'sh',
  `# with a release of Triton that has the onnxruntime backend in place of YY.MM
docker run --rm -p 8000:8000 -v "$PWD/..:/models" nvcr.io/nvidia/tritonserver:YY.MM-py3 \\
  tritonserver --model-repository=/models`,
)}

The same client works with M-NAS itself, whose \`/v2\` has this task as a model of the same name.
`;
}

function imagesSections({ id, classes, image: { size }, openSet }: ImagesRecord): string {
  const labels = pythonList(classes.map(({ label }) => label));
  const prepare = `import numpy as np
from PIL import Image, ImageOps

LABELS = ${labels}


def prepare(path):
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")  # EXIF orientation
    canvas = Image.new("RGBA", image.size, "white")
    canvas.alpha_composite(image)  # transparency on white
    square = canvas.convert("RGB").resize((${size}, ${size}), Image.Resampling.LANCZOS)  # squeezed; Pillow 13
    return np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255  # [1, 3, ${size}, ${size}]`;
  const known = openSet
    ? '\n`known` is the probability that an image belongs to one of the classes at all, foreign images being as frequent.\n'
    : '';
  return `Classes, in the order of the outputs: ${classes.length}, in \`labels.txt\`.
${known}
## Use it

${fenced('python', prepare)}

With onnxruntime:

${fenced(
  'python',
  `import onnxruntime

session = onnxruntime.InferenceSession("1/model.onnx", providers=["CPUExecutionProvider"])
probabilities = session.run(["probabilities"], {"image": prepare("new.jpg")})[0][0]
print(dict(zip(LABELS, probabilities.tolist())))`,
)}

With a server of the Open Inference Protocol:

${client(id, 'image', `prepare("new.jpg")`, 'probabilities', 'dict(zip(LABELS, output["data"]))')}`;
}

function regressionSections(id: string): string {
  return `## Use it

With onnxruntime:

${fenced(
  'python',
  `import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("1/model.onnx", providers=["CPUExecutionProvider"])
print(session.run(["y"], {"x": np.array([[-1.5], [0.5]], dtype=np.float32)})[0])`,
)}

With a server of the Open Inference Protocol:

${client(id, 'x', 'np.array([[-1.5], [0.5]], dtype=np.float32)', 'y', 'output["data"]')}`;
}

function client(id: string, input: string, value: string, output: string, shown: string): string {
  return fenced(
    'python',
    `import json
import urllib.request

import numpy as np

value = ${value}
tensor = {"name": "${input}", "datatype": "FP32", "shape": value.shape, "data": value.ravel().tolist()}
body = json.dumps({"inputs": [tensor], "outputs": [{"name": "${output}"}]}).encode()
request = urllib.request.Request("http://localhost:8000/v2/models/${id}/infer", body, {"Content-Type": "application/json"})
output = json.load(urllib.request.urlopen(request))["outputs"][0]
print(${shown})`,
  );
}
