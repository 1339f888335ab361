// A project that uses the packed client: test/client/client.test.ts compiles it with every library checked.
import { openAsBlob } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { MnasClient } from 'm-nas-client';

const [baseUrl = '', folder = '', photo = ''] = process.argv.slice(2);
const classes: Record<string, Blob[]> = {};
for (const label of await readdir(folder)) {
  const names = await readdir(`${folder}/${label}`);
  classes[label] = await Promise.all(names.map((name) => openAsBlob(`${folder}/${label}/${name}`)));
}

const client = new MnasClient({ baseUrl });
await client.waitUntilReady();
const task = await client.createTask(classes, { estimate: 'always' });
const labels: string[] = task.labels; // no kind to tell apart
const [prediction] = await client.predict(task.id, [await openAsBlob(photo)]);
const { images } = await client.evaluate(task.id, { green: classes['green']!, red: classes['red']! });
const onnx = new Blob([await client.getModel(task.id)]);
console.log(JSON.stringify({ labels, label: prediction?.label, images, bytes: onnx.size }));
