import type { MadeTask } from './task.ts';

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

/** How programs use exactly this task: the service's with curl where it has it, and the ONNX file in Python. */
export function snippetsOf(
  { place, id, tellsKnown }: Pick<MadeTask, 'place' | 'id' | 'tellsKnown'>,
  service: Service,
): readonly Snippet[] {
  const python = { name: 'Python', text: pythonOf(`m-nas-${id}.onnx`, tellsKnown) };
  return place === 'server' ? [{ name: 'curl', text: curlOf(id, service, tellsKnown) }, python] : [python];
}

interface Service {
  readonly origin: string;
  /** whether it wants a key, which is not written out: what is copied is passed on */
  readonly wantsKey: boolean;
}

function curlOf(id: string, { origin, wantsKey }: Service, tellsKnown: boolean): string {
  const curl = wantsKey ? 'curl -H "Authorization: Bearer $API_KEY"' : 'curl';
  const task = `${origin}/v1/tasks/${id}`;
  const comment = tellsKnown ? 'classify; unknown is what fits with less than 0.2' : 'classify';
  return `# ${comment}
${curl} -F images=@new.jpg '${task}/predictions${tellsKnown ? '?threshold=0.2' : ''}'

# the ONNX file
${curl} -OJ ${task}/model`;
}

/** As in README.md, with the probability to belong to one of the classes at all. */
const pythonOf = (file: string, tellsKnown: boolean): string => `import json
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("${file}", providers=["CPUExecutionProvider"])
labels = json.loads(session.get_modelmeta().custom_metadata_map["names"])
size = session.get_inputs()[0].shape[2]

image = ImageOps.exif_transpose(Image.open("new.jpg")).convert("RGBA")
canvas = Image.new("RGBA", image.size, "white")
canvas.alpha_composite(image)
square = canvas.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255

${
  tellsKnown
    ? `probabilities, known = session.run(["probabilities", "known"], {"image": pixels})
print(dict(zip(labels, probabilities[0].tolist())), "any of these:", known[0, 0])`
    : `probabilities = session.run(["probabilities"], {"image": pixels})[0][0]
print(dict(zip(labels, probabilities.tolist())))`
}`;
