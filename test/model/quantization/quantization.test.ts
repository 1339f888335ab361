import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../../model/graph/onnx/encode.ts';
import { withFoldedScales } from '../../../model/quantization/fold-scales.ts';
import { withInt8Weights } from '../../../model/quantization/int8.ts';
import {
  foldedModel,
  probeModel,
  rangesOf,
  rangesSize,
  withRanges,
} from '../../../model/quantization/ranges.ts';
import { roundedTensors } from '../../../model/quantization/rounded-tensors.ts';
import { withShortNames } from '../../../model/quantization/short-names.ts';
import { runFile } from '../../support/run-file.ts';
import { netImages, quantizedNet } from './quantized-net.ts';

const run = (model: OnnxModel) => runFile(encodeModel(model), { image: netImages });

/** The net with ranges, as the images that it is tested by give them. */
async function rangedNet(): Promise<OnnxModel> {
  const ends = Object.entries(await run(probeModel(quantizedNet)));
  return withRanges(
    quantizedNet,
    Object.fromEntries(ends.map(([name, { data, dims }]) => [name, { data, shape: dims }])),
  );
}

describe('withFoldedScales', () => {
  it('has no factor or offset behind a convolution, and gives the same numbers', async () => {
    const folded = withFoldedScales(quantizedNet);
    const left = folded.nodes.filter(({ operator }) => ['Mul', 'Add'].includes(operator));
    expect(left.map(({ outputs: [name] }) => name)).toEqual([
      'doubled',
      'centred',
      'joined',
      'largest.scaled',
    ]);
    const [{ logits: expected }, { logits: given }] = [await run(quantizedNet), await run(folded)];
    expected!.data.forEach((value, i) => expect(given!.data[i]).toBeCloseTo(value, 4));
  });

  it('folds what two convolutions share once, and keeps what something else reads', () => {
    const { initializers } = withFoldedScales(quantizedNet);
    expect(initializers.filter(({ name }) => name.startsWith('point')).map(({ name }) => name)).toEqual([
      'point+factors+offsets.kernels',
      'point+factors+offsets.biases',
    ]);
    const outputs = [...quantizedNet.outputs, { name: 'point.sum', shape: ['n', 5, 4, 4] }];
    const kept = withFoldedScales({ ...quantizedNet, outputs });
    expect(kept.nodes.map(({ outputs: [name] }) => name)).toContain('scaled');
  });
});

describe('ranges', () => {
  it('are of pixels and planes that something rounds, and contain 0', async () => {
    const names = roundedTensors(foldedModel(quantizedNet));
    expect(names).toEqual([
      'centred',
      'stem',
      'deep.sum',
      'shifted',
      'other',
      'joined',
      'rectified',
      'largest.scaled',
      'averaged',
      'both',
    ]);
    const ranges = rangesOf(await rangedNet(), names)!;
    const probed = { ...foldedModel(quantizedNet), outputs: [{ name: 'joined', shape: ['n', 5, 4, 4] }] };
    const { joined } = await run(probed);
    const [low, high] = ranges.get('joined')!;
    expect(low).toBeCloseTo(Math.min(...joined!.data), 5);
    expect(high).toBeCloseTo(Math.max(...joined!.data), 5);
    expect(ranges.get('stem')![0]).toBe(0);
    for (const [low, high] of ranges.values()) expect([low <= 0, high >= 0]).toEqual([true, true]);
  });

  it('are those of all runs together, and take the same bytes whatever they are', async () => {
    const ends = Object.fromEntries(
      roundedTensors(foldedModel(quantizedNet)).flatMap((name) => [
        [`${name}.least`, { data: Float32Array.of(-2, -0.5), shape: [2, 1, 1, 1] }],
        [`${name}.largest`, { data: Float32Array.of(1, 3), shape: [2, 1, 1, 1] }],
      ]),
    );
    const wide = withRanges(quantizedNet, ends);
    expect(rangesOf(wide, roundedTensors(foldedModel(wide)))!.get('deep.sum')).toEqual([-2, 3]);
    const bytes = encodeModel(quantizedNet).length + rangesSize(quantizedNet);
    expect([encodeModel(wide).length, encodeModel(await rangedNet()).length]).toEqual([bytes, bytes]);
    expect(rangesOf(wide, ['one'])).toBeUndefined();
  });
});

describe('withInt8Weights', () => {
  it('is nothing without ranges', () => {
    expect(withInt8Weights(quantizedNet)).toBeUndefined();
  });

  it('rounds all that convolutions read, and answers nearly as before', async () => {
    const ranged = await rangedNet();
    const twin = decodeModel(encodeModel(withInt8Weights(ranged)!));
    const makers = new Map(twin.nodes.flatMap((node) => node.outputs.map((name) => [name, node.operator])));
    const convolutions = twin.nodes.filter(({ operator }) => operator === 'Conv');
    expect(convolutions).toHaveLength(4);
    for (const { inputs } of convolutions)
      expect(inputs.map((name) => makers.get(name))).toEqual(inputs.map(() => 'DequantizeLinear'));
    expect(twin.nodes.map(({ operator }) => operator).filter((operator) => operator === 'Relu')).toEqual([
      'Relu',
    ]);
    expect(twin.metadata).toEqual({ names: '["a","b","c"]', weights: 'int8' });
    const [{ logits: expected }, { logits: given }] = [await run(ranged), await run(twin)];
    const spread = Math.max(...expected!.data) - Math.min(...expected!.data);
    const off = expected!.data.map((value, i) => Math.abs(value - given!.data[i]!));
    expect(Math.max(...off) / spread).toBeLessThan(0.05);
    expect(Math.max(...off)).toBeGreaterThan(0);
  });

  it('stores the weights that two branches share once', async () => {
    const { initializers } = withInt8Weights(await rangedNet())!;
    const kernels = initializers.filter(({ data, shape }) => data instanceof Int8Array && shape.length === 4);
    expect(kernels.map(({ shape }) => shape)).toEqual([
      [4, 3, 3, 3],
      [4, 1, 3, 3],
      [5, 4, 1, 1],
    ]);
  });
});

describe('withShortNames', () => {
  it('gives thousands of tensors different names', () => {
    const count = 4000;
    const nodes = Array.from({ length: count }, (_, i) => ({
      operator: 'Relu',
      inputs: [i === 0 ? 'image' : `x${i}`],
      outputs: [`x${i + 1}`],
      name: 'long',
    }));
    const short = withShortNames({ ...quantizedNet, nodes, initializers: [] });
    const names = short.nodes.map(({ outputs: [name] }) => name!);
    expect(new Set(names).size).toBe(count);
    expect(Math.max(...names.map(({ length }) => length))).toBe(3);
    expect(short.nodes.some((node) => 'name' in node)).toBe(false);
    expect(short.nodes[0]!.inputs).toEqual(['image']);
  });
});
