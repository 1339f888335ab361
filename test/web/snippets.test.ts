import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { MnasClient } from '../../client/index.ts';
import { snippetsOf } from '../../web/snippets.ts';
import { nodeOf } from '../../web/snippets/javascript.ts';
import { harness, listen } from '../server/support/harness.ts';
import { shades } from '../server/support/tasks.ts';

const task = { place: 'server', id: 'abc', tellsKnown: true, labels: ['b', 'a'], size: 160 } as const;
const service = { origin: 'https://host', wantsKey: false, threshold: 0.3 };
const textOf = (...given: Parameters<typeof snippetsOf>) =>
  snippetsOf(...given)
    .map(({ text }) => text)
    .join('\n');

it('snippets ask for what is unknown where the model can tell', () => {
  expect(textOf(task, service)).toContain("'https://host/v1/tasks/abc/predictions?threshold=0.30'");
  expect(textOf(task, service)).toContain('["probabilities", "known"]');
  const older = textOf({ ...task, tellsKnown: false }, service);
  expect(older).not.toMatch(/threshold|known/);
  expect(textOf(task, service).match(/< 0\.30/g)).toHaveLength(3);
});

it('snippets name the key of a service that wants one, and do not write it out', () => {
  expect(textOf(task, service)).not.toContain('Authorization');
  const guarded = textOf(task, { ...service, wantsKey: true });
  expect(guarded.match(/curl -H "Authorization: Bearer \$API_KEY" /g)).toHaveLength(2);
});

it('a task of this device has no requests to the service', () => {
  const texts = snippetsOf({ ...task, place: 'device' }, service);
  expect(texts.map(({ name }) => name)).toEqual(['Python', 'JavaScript in a browser', 'JavaScript in Node']);
});

/** Runs a program of JavaScript with what it imports, and gives what it prints. */
async function printedBy(text: string): Promise<unknown[]> {
  const printed: unknown[] = [];
  const { constructor } = Object.getPrototypeOf(async () => Promise.resolve()) as {
    readonly constructor: new (...parts: string[]) => (...given: unknown[]) => Promise<void>;
  };
  const program = new constructor('ort', 'sharp', 'console', text.replace(/^import .*$/gm, ''));
  await program(ort, sharp, { log: (value: unknown) => printed.push(value) });
  return printed;
}

it('the program for Node answers as the service does', async () => {
  const { app } = await harness();
  const { port } = await listen(app);
  const client = new MnasClient({ baseUrl: `http://127.0.0.1:${port}` });
  const image = (content: Buffer) => new Blob([Uint8Array.from(content)]);
  const { red, blue } = shades;
  const made = await client.createTask({
    red: [image(red[0])],
    blue: [image(blue[0])],
  });
  const [expected] = await client.predict(made.id, [image(red[1])]);
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-snippet-'));
  try {
    const file = join(folder, 'm-nas.onnx');
    await writeFile(file, await client.getModel(made.id));
    await writeFile(join(folder, 'new.jpg'), Uint8Array.from(red[1]));
    const written = { labels: made.labels, size: made.model.preprocessing.resize.width };
    const run = (threshold: string) =>
      printedBy(
        nodeOf(file, written, threshold).replace("'new.jpg'", JSON.stringify(join(folder, 'new.jpg'))),
      );
    const [told, ...rest] = await run('0.00');
    expect(Object.keys(told as object)).toEqual(made.labels);
    for (const [label, probability] of Object.entries(told as Record<string, number>))
      expect(probability).toBeCloseTo(expected!.probabilities[label]!, 3);
    expect(rest).toEqual([]);
    expect((await run('1.00')).at(-1)).toBe('unknown');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
