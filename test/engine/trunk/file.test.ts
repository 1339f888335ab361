import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundledTrunk, readTrunk } from '../../../engine/trunk/file.ts';
import { encodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../../model/graph/onnx/encode.ts';
import { costOf } from '../../../model/trunk/cost.ts';
import { cutTrunk } from '../../../model/trunk/cut.ts';
import { tinyTaps, tinyTrunk } from '../../support/tiny-trunk.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A folder with a trunk and its card, whose fields `change` may replace; the card's path. */
async function folderOf(change: object = {}, model: OnnxModel = tinyTrunk): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bytes = encodeModel(model);
  await writeFile(join(folder, 'tiny.onnx'), bytes);
  const card = {
    format: 'm-nas-trunk/1',
    name: 'tiny',
    file: 'tiny.onnx',
    sha256: sha256(bytes),
    side: 8,
    pixels: 'RGB, 0..1',
    source: 'this test',
    licence: 'CC0-1.0',
    taps: tinyTaps,
    ...change,
  };
  await writeFile(join(folder, 'tiny.json'), JSON.stringify(card));
  return join(folder, 'tiny.json');
}

/** What the only line of the error says. */
async function refusal(card: string): Promise<string> {
  const error: unknown = await readTrunk(card).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'TrunkError' });
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}

describe('readTrunk', () => {
  test('reads the graph that the card names', async () => {
    const { card, model } = await readTrunk(await folderOf());
    expect(model).toEqual(tinyTrunk);
    expect(card.taps).toEqual(tinyTaps);
  });

  test('a missing card and a missing file are named', async () => {
    const card = await folderOf();
    const file = card.replace('.json', '.onnx');
    await rm(file);
    expect(await refusal(card)).toBe(`trunk ${file}: there is no such file`);
    await rm(card);
    expect(await refusal(card)).toBe(`trunk ${card}: there is no such file`);
  });

  test('a file of other bytes is named, with both hashes', async () => {
    const card = await folderOf();
    const file = card.replace('.json', '.onnx');
    const { card: before } = await readTrunk(card);
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    expect(await refusal(card)).toBe(
      `trunk ${file}: its SHA-256 is ${sha256(bytes)}, its card ${card} says ${before.sha256}`,
    );
  });

  test.each<[string, object, OnnxModel, string]>([
    ['a card of another format', { format: 'm-nas-trunk/2' }, tinyTrunk, 'tiny.json: format: '],
    ['a file in another folder', { file: '../tiny.onnx' }, tinyTrunk, 'tiny.json: file: '],
    ['a card without taps', { taps: {} }, tinyTrunk, 'tiny.json: taps: no tap'],
    [
      'another side',
      { side: 16 },
      tinyTrunk,
      'tiny.onnx: image is float [n, 3, 8, 8], not float [n, 3, 16, 16]',
    ],
    [
      'a tap that the graph lacks',
      { taps: { ...tinyTaps, middle: tinyTaps['near'] } },
      tinyTrunk,
      'tiny.onnx: no input or output is named middle',
    ],
    [
      'a tap of other channels',
      { taps: { ...tinyTaps, far: { ...tinyTaps['far'], channels: 6 } } },
      tinyTrunk,
      'tiny.onnx: far is float [n, 5, 4, 4], not float [n, 6, 4, 4]',
    ],
    [
      'a fixed batch',
      {},
      { ...tinyTrunk, inputs: [{ name: 'image', shape: [1, 3, 8, 8] }] },
      'tiny.onnx: image is float [1, 3, 8, 8], not float [n, 3, 8, 8]',
    ],
    [
      'a second input',
      {},
      { ...tinyTrunk, inputs: [...tinyTrunk.inputs, { name: 'other', shape: ['n'] }] },
      'tiny.onnx: 2 inputs in place of one',
    ],
  ])('refuses %s', async (_, change, model, message) => {
    expect(await refusal(await folderOf(change, model))).toContain(message);
  });

  test('a card that is no JSON and a file that is no ONNX are named', async () => {
    const card = await folderOf();
    await writeFile(card, '{"format":\n');
    expect(await refusal(card)).toMatch(/^trunk .*tiny\.json: .*JSON/);
    const noise = new TextEncoder().encode('this is no graph');
    const other = await folderOf({ sha256: sha256(noise) });
    await writeFile(other.replace('.json', '.onnx'), noise);
    expect(await refusal(other)).toMatch(/^trunk .*tiny\.onnx: not an ONNX file/);
  });
});

describe('the bundled trunk', () => {
  test('its card says what is in it', async () => {
    const { card, bytes, model } = await readTrunk(fileURLToPath(bundledTrunk));
    expect(bytes.length).toBeLessThan(6.75e6);
    expect(card.licence).toBe('Apache-2.0');
    expect(Object.keys(card.taps)).toEqual(model.outputs.map(({ name }) => name));
    for (const [name, { weights, multiplyAdds }] of Object.entries(card.taps))
      expect(costOf(cutTrunk(model, [name]))).toMatchObject({ weights, multiplyAdds });
    expect(costOf(cutTrunk(model, ['b10'])).bytes).toBeLessThan(2e6);
    expect(costOf(cutTrunk(model, ['b15'])).bytes).toBeLessThan(6.5e6);
  });

  test('its nodes have the form that other runtimes read', async () => {
    const { model } = await readTrunk(fileURLToPath(bundledTrunk));
    const constants = new Set(model.initializers.map(({ name }) => name));
    expect(new Set(model.nodes.map(({ operator }) => operator))).toEqual(
      new Set(['Cast', 'Sub', 'Mul', 'Conv', 'Clip', 'Add', 'GlobalAveragePool', 'Flatten']),
    );
    expect(new Set(model.nodes.map(({ name }) => name)).size).toBe(model.nodes.length);
    for (const { operator, inputs, attributes } of model.nodes) {
      if (operator === 'Clip') expect(inputs.slice(1).every((name) => constants.has(name))).toBe(true);
      if (operator === 'Conv')
        expect(Object.keys(attributes!)).toEqual(['dilations', 'group', 'kernel_shape', 'pads', 'strides']);
    }
  });
});
