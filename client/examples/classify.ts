import { openAsBlob } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { squeeze } from '../../images/pixels/resize.ts';
import { MnasClient } from '../index.ts';
import type { Schema } from '../index.ts';

// A classifier of photos, made by the service and run without it.
//
//   npx tsx client/examples/classify.ts http://localhost:8080 photos new.jpg
//
// photos is a folder with a folder a class. Prints what the service says of the new photo, and what its ONNX file says here.

const [url = '', folder = '', photo = ''] = process.argv.slice(2);
const apiKey = process.env['API_KEY'];
const client = new MnasClient({ baseUrl: url, ...(apiKey !== undefined && { apiKey }) });

const task = await client.createTask(await readClasses(folder), {
  onEvent: ({ event, data }) => {
    if (event === 'fit') console.error('step', JSON.stringify(data));
  },
});

const [answer] = await client.predict(task.id, [await fileOf(photo)]);
console.log(JSON.stringify({ service: answer!.probabilities }));

const probabilities = await classify(task, await client.getModel(task.id));
console.log(JSON.stringify({ onnx: probabilities }));

async function fileOf(path: string): Promise<File> {
  return new File([await openAsBlob(path)], basename(path));
}

/** The files of every subfolder, by its name. */
async function readClasses(path: string): Promise<Record<string, File[]>> {
  const entries = await readdir(path, { withFileTypes: true });
  const classes = entries.filter((entry) => entry.isDirectory());
  const filesOf = async (label: string) => {
    const names = await readdir(join(path, label));
    return Promise.all(names.map((name) => fileOf(join(path, label, name))));
  };
  return Object.fromEntries(
    await Promise.all(classes.map(async ({ name }) => [name, await filesOf(name)] as const)),
  );
}

/** Probabilities of the photo by label, by the task's ONNX file (its `model.preprocessing`, step by step). */
async function classify(
  { labels, model }: Schema<'ImagesTask'>,
  file: Uint8Array,
): Promise<Record<string, number>> {
  const { width, height } = model.preprocessing.resize;
  const { data, info } = await sharp(photo)
    .autoOrient()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  // sharp's own resizing is another: its Lanczos differs a little, and it enlarges bicubically
  const pixels = squeeze({ data, width: info.width, height: info.height }, width); // on white; planar
  const input = Float32Array.from(pixels, (value) => value / 255);
  // on a GPU: executionProviders: ['cuda']
  const session = await ort.InferenceSession.create(file, { executionProviders: ['cpu'] });
  const image = new ort.Tensor('float32', input, [1, 3, height, width]);
  const { probabilities } = await session.run({ image });
  const values = probabilities!.data as Float32Array;
  return Object.fromEntries(labels.map((label, index) => [label, values[index]!]));
}
