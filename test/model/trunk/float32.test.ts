import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../../model/graph/onnx/encode.ts';
import { fromFloat16, withFloat32Weights } from '../../../model/trunk/float32.ts';
import { runFile } from '../../support/run-file.ts';
import { tinyTrunk } from '../../support/tiny-trunk.ts';

const every = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** Every float16 number, cast by whatever runs the model. */
const castEvery: OnnxModel = {
  name: 'cast',
  nodes: [
    {
      operator: 'Cast',
      inputs: ['half'],
      outputs: ['wide'],
      attributes: { to: { kind: 'int', value: 1 } },
    },
    { operator: 'Identity', inputs: ['wide'], outputs: ['y'] },
  ],
  initializers: [{ name: 'half', shape: [65536], data: every }],
  inputs: [],
  outputs: [{ name: 'y', shape: [65536] }],
  opset: 17,
};

async function run(model: OnnxModel): Promise<ArrayLike<number>> {
  const { y } = await runFile(encodeModel(model), {});
  return y!.data;
}

describe('fromFloat16', () => {
  it('gives the values of the format', () => {
    const values = fromFloat16(
      Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0xfc00, 0x7e00),
    );
    expect([...values]).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24, -0, -Infinity, NaN]);
  });

  it('gives what onnxruntime gives, for every number', async () => {
    expect([...fromFloat16(every)]).toEqual(Array.from(await run(castEvery)));
  });
});

describe('withFloat32Weights', () => {
  it('replaces the casts of weights', () => {
    const wide = withFloat32Weights(tinyTrunk);
    expect(wide.nodes.map(({ operator }) => operator)).not.toContain('Cast');
    expect(wide.initializers.map(({ name }) => name)).toEqual(['near.weight', 'zero', 'six', 'far.weight']);
    expect(wide.initializers.every(({ data }) => data instanceof Float32Array)).toBe(true);
    expect(wide.outputs).toBe(tinyTrunk.outputs);
  });

  it('leaves other casts and float16 that something else reads', () => {
    const reader = { operator: 'Identity', inputs: ['half'], outputs: ['same'] };
    const other = {
      operator: 'Cast',
      inputs: ['y'],
      outputs: ['z'],
      attributes: { to: { kind: 'int', value: 1 } },
    } as const;
    const wide = withFloat32Weights({ ...castEvery, nodes: [...castEvery.nodes, reader, other] });
    expect(wide.nodes.map(({ outputs }) => outputs[0])).toEqual(['y', 'same', 'z']);
    expect(wide.initializers.map(({ name }) => name)).toEqual(['half', 'wide']);
  });
});
