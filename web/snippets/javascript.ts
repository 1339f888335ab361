/** What both programs do with the answer. @param unknown the threshold, where the model can tell */
const answered = (
  unknown: string | undefined,
): string => `const { probabilities${unknown === undefined ? '' : ', known'} } = await session.run({ image: new ort.Tensor('float32', pixels, [1, 3, size, size]) });
console.log(Object.fromEntries(labels.map((label, i) => [label, probabilities.data[i]])));${
  unknown === undefined ? '' : `\nif (known.data[0] < ${unknown}) console.log('unknown');`
}`;

/** Bytes of pixels, step by step, as planes of numbers in 0..1. */
const planes = (channels: number): string => `const pixels = new Float32Array(3 * size * size);
for (let i = 0; i < size * size; i++)
  for (let c = 0; c < 3; c++) pixels[c * size * size + i] = data[${channels} * i + c] / 255;`;

/** Labels and input side are written out, since onnxruntime does not tell JavaScript a file's metadata. */
export interface Written {
  readonly labels: readonly string[];
  readonly size: number;
}

const head = (file: string, { labels, size }: Written): string => `const labels = ${JSON.stringify(labels)};
const size = ${size};
const session = await ort.InferenceSession.create('${file}');`;

/** A program for Node. */
export const nodeOf = (file: string, written: Written, unknown: string | undefined): string =>
  `// npm install onnxruntime-node sharp
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';

${head(file, written)}

const data = await sharp('new.jpg')
  .rotate() // as its EXIF says
  .flatten({ background: 'white' })
  .toColourspace('srgb')
  .resize(size, size, { fit: 'fill', kernel: 'lanczos3' })
  .raw()
  .toBuffer();
${planes(3)}

${answered(unknown)}`;

/** A module for a web page, with an element \`<input type="file" id="photo">\`. */
export const browserOf = (file: string, written: Written, unknown: string | undefined): string =>
  `// in a page that has <input type="file" id="photo">; the ONNX file lies beside it
import * as ort from 'https://cdn.jsdelivr.net/npm/onnxruntime-web/dist/ort.wasm.min.mjs';

${head(file, written)}

document.querySelector('#photo').addEventListener('change', async ({ target }) => {
  const bitmap = await createImageBitmap(target.files[0]);
  const context = new OffscreenCanvas(size, size).getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size);
${indented(planes(4))}

${indented(answered(unknown))}
});`;

/** Inside of a function. */
function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
