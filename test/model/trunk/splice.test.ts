import { describe, expect, it } from 'vitest';
import { Graph } from '../../../model/graph/graph.ts';
import { decodeModel, encodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../../model/graph/onnx/encode.ts';
import { toOnnx } from '../../../model/graph/onnx/lowering.ts';
import { matmul, mean, multiply, reshape, softmax } from '../../../model/graph/operations.ts';
import { cutTrunk } from '../../../model/trunk/cut.ts';
import { spliceTrunk } from '../../../model/trunk/splice.ts';
import { TrunkError } from '../../../model/trunk/trunk.ts';
import { runFile } from '../../support/run-file.ts';
import type { Floats } from '../../support/run-file.ts';
import { tinyTrunk } from '../../support/tiny-trunk.ts';

/** Probabilities of two classes from the means of planes [n, 5, 4, 4] and features [n, 4, 4, 4]. */
function tinyChild(): OnnxModel {
  const graph = new Graph();
  const [deep, fine] = [graph.input('deep', [2, 5, 4, 4]), graph.input('fine', [2, 4, 4, 4])];
  const head = (count: number) =>
    graph.constant(
      Float64Array.from({ length: 2 * count }, (_, i) => Math.sin(i)),
      [count, 2],
    );
  const read = (planes: typeof deep, count: number) =>
    matmul(reshape(mean(planes, [2, 3]), [2, count]), head(count));
  const probabilities = softmax(multiply(read(deep, 5), read(fine, 4)));
  const metadata = { names: '["a","b"]' };
  return decodeModel(
    toOnnx({ name: 'child', outputs: { probabilities } }, { dynamicBatch: 'n', portable: true, metadata }),
  );
}

const child = tinyChild();
const reads = { far: 'deep', near: 'fine' };

const run = (model: OnnxModel, inputs: Readonly<Record<string, Floats>>) =>
  runFile(encodeModel(model), inputs);

describe('spliceTrunk', () => {
  it('answers pixels as the child answers planes', async () => {
    const image = {
      data: Float32Array.from({ length: 3 * 192 }, (_, i) => (i % 17) / 16),
      dims: [3, 3, 8, 8],
    };
    const planes = await run(cutTrunk(tinyTrunk, ['far', 'near']), { image });
    const wanted = await run(child, { deep: planes['far']!, fine: planes['near']! });
    const found = await run(spliceTrunk(tinyTrunk, child, reads), { image });
    const [a, b] = [wanted, found].map(({ probabilities }) => Array.from(probabilities!.data));
    expect(new Set(a).size).toBeGreaterThan(2);
    a!.forEach((value, i) => expect(b![i]).toBeCloseTo(value, 6));
  });

  it('reads the image alone, holds no more than is read, and names the trunk apart', () => {
    const spliced = spliceTrunk(tinyTrunk, child, reads);
    expect(spliced.inputs).toEqual(tinyTrunk.inputs);
    expect(spliced.outputs).toEqual(child.outputs);
    const front = spliced.nodes.slice(0, -child.nodes.length);
    expect(front.map(({ name }) => name)).toEqual([
      'trunk/near.weight.cast',
      'trunk/near',
      'trunk/clipped',
      'trunk/far.weight.cast',
      'trunk/far',
    ]);
    const names = [
      ...spliced.nodes.flatMap(({ outputs }) => outputs),
      ...spliced.initializers.map((i) => i.name),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(spliced.metadata).toEqual({
      names: '["a","b"]',
      'trunk/licence': 'CC0-1.0',
      'trunk/taps': '["near","far"]',
    });
  });

  it('feeds planes of the mirror image, computed with the same weights', async () => {
    const image = Float32Array.from({ length: 2 * 192 }, (_, i) => ((i * i) % 17) / 16);
    const mirrored = image.map((_, i) => image[i - (i % 8) + 7 - (i % 8)]!);
    const tensor = (data: Float32Array): Floats => ({ data, dims: [2, 3, 8, 8] });
    const [own, turned] = [
      await run(cutTrunk(tinyTrunk, ['far', 'near']), { image: tensor(image) }),
      await run(cutTrunk(tinyTrunk, ['far', 'near']), { image: tensor(mirrored) }),
    ];
    const wanted = await run(child, { deep: turned['far']!, fine: own['near']! });
    const spliced = spliceTrunk(tinyTrunk, child, { near: 'fine' }, { far: 'deep' });
    const found = await run(spliced, { image: tensor(image) });
    const [a, b] = [wanted, found].map(({ probabilities }) => Array.from(probabilities!.data));
    a!.forEach((value, i) => expect(b![i]).toBeCloseTo(value, 6));
    expect(spliced.inputs).toEqual(tinyTrunk.inputs);
    expect(spliced.initializers.filter(({ name }) => name.includes('weight'))).toHaveLength(2);
    expect(spliced.nodes.filter(({ operator }) => operator === 'Slice')).toEqual([]);
  });

  it('the same parts give the same bytes, in whatever order they are told', () => {
    const again = spliceTrunk(tinyTrunk, tinyChild(), { near: 'fine', far: 'deep' });
    expect(encodeModel(again)).toEqual(encodeModel(spliceTrunk(tinyTrunk, child, reads)));
  });

  it.each<[string, Partial<OnnxModel>, Record<string, string>, string]>([
    ['another opset', { opset: 18 }, reads, 'the trunk is of opset 17, the child of 18'],
    ['an input without a tap', {}, { far: 'deep' }, "no tap feeds the child's input fine"],
    ['a tap for no input', {}, { ...reads, last: 'extra' }, 'the child has no input extra'],
    ['an unknown tap', {}, { ...reads, middle: 'fine' }, 'there is no tap middle'],
    [
      'planes of another shape',
      {},
      { far: 'fine', near: 'deep' },
      "the child's input deep is float [n, 5, 4, 4], trunk/near is float [n, 4, 4, 4]",
    ],
    [
      'a tensor named like the trunk',
      { initializers: [{ name: 'trunk/near', shape: [], data: Float32Array.of(1) }] },
      reads,
      "the child's trunk/near is named like a part of the trunk",
    ],
    [
      'a tensor named like the image',
      { initializers: [{ name: 'image', shape: [], data: Float32Array.of(1) }] },
      reads,
      "the child's image is named",
    ],
  ])('refuses %s', (_, change, mapping, message) => {
    const splice = () => spliceTrunk(tinyTrunk, { ...child, ...change }, mapping);
    expect(splice).toThrow(TrunkError);
    expect(splice).toThrow(message);
  });

  it('refuses contributed operators of another version', () => {
    const domains = (version: number) => [{ domain: 'com.microsoft', version }];
    const splice = (version: number) =>
      spliceTrunk({ ...tinyTrunk, domains: domains(1) }, { ...child, domains: domains(version) }, reads);
    expect(splice(1).domains).toEqual(domains(1));
    expect(() => splice(2)).toThrow('the trunk is of com.microsoft 1, the child of 2');
  });
});
