import type { MadeTask } from './task.ts';

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

/** How programs use exactly this task: the service's with curl where it has it, and the ONNX file in Python. */
export function snippetsOf(
  { place, id }: Pick<MadeTask, 'place' | 'id'>,
  origin: string,
): readonly Snippet[] {
  const python = { name: 'Python', text: pythonOf(`m-nas-${id}.onnx`) };
  return place === 'server' ? [{ name: 'curl', text: curlOf(id, origin) }, python] : [python];
}

const curlOf = (id: string, origin: string): string => `# classify
curl -F images=@new.jpg ${origin}/v1/tasks/${id}/predictions

# the ONNX file
curl -OJ ${origin}/v1/tasks/${id}/model`;

/** As in README.md. */
const pythonOf = (file: string): string => `import json
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

probabilities = session.run(["probabilities"], {"image": pixels})[0][0]
print(dict(zip(labels, probabilities.tolist())))`;
