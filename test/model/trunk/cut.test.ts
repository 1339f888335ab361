import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../../model/graph/onnx/encode.ts';
import { costOf } from '../../../model/trunk/cost.ts';
import { cutTrunk } from '../../../model/trunk/cut.ts';
import { TrunkError } from '../../../model/trunk/trunk.ts';
import { tinyTaps, tinyTrunk } from '../../support/tiny-trunk.ts';

describe('cutTrunk', () => {
  it('keeps what a tap needs and no more', () => {
    const cut = cutTrunk(tinyTrunk, ['near']);
    expect(cut.nodes.map(({ name }) => name)).toEqual(['near.weight.cast', 'near']);
    expect(cut.initializers.map(({ name }) => name)).toEqual(['near.weight.float16']);
    expect(cut.outputs).toEqual([tinyTrunk.outputs[0]]);
    expect(cut.values).toEqual([]);
    expect(cut.metadata).toEqual({ licence: 'CC0-1.0', taps: '["near"]' });
  });

  it('a tap that is only passed is no output, but its shape stays told', () => {
    const cut = cutTrunk(tinyTrunk, ['far']);
    expect(cut.outputs.map(({ name }) => name)).toEqual(['far']);
    expect(cut.values?.map(({ name }) => name)).toEqual(['clipped', 'near']);
  });

  it('all taps, in whatever order, are the whole trunk', () => {
    expect(encodeModel(cutTrunk(tinyTrunk, ['last', 'near', 'far', 'near']))).toEqual(encodeModel(tinyTrunk));
  });

  it('refuses taps that are not there, and none', () => {
    expect(() => cutTrunk(tinyTrunk, ['near', 'middle'])).toThrow(TrunkError);
    expect(() => cutTrunk(tinyTrunk, ['near', 'middle'])).toThrow(
      'there is no tap middle; the trunk has near, far, last',
    );
    expect(() => cutTrunk(tinyTrunk, [])).toThrow('no tap is given');
  });
});

describe('costOf', () => {
  it.each(Object.entries(tinyTaps))('counts what %s needs', (name, { weights, multiplyAdds }) => {
    const cut = cutTrunk(tinyTrunk, [name]);
    expect(costOf(cut)).toEqual({ weights, multiplyAdds, bytes: encodeModel(cut).length });
  });

  it('counts matrix products', () => {
    const product = (operator: string, shape: number[], attributes = {}) =>
      costOf({
        name: operator,
        nodes: [{ operator, inputs: ['x', 'w'], outputs: ['y'], attributes }],
        initializers: [{ name: 'w', shape: [6, 5], data: new Float32Array(30) }],
        inputs: [{ name: 'x', shape }],
        outputs: [{ name: 'y', shape: [...shape.slice(0, -1), 5] }],
        opset: 17,
      }).multiplyAdds;
    expect(product('MatMul', [1, 4, 6])).toBe(4 * 6 * 5);
    expect(product('Gemm', [1, 6])).toBe(6 * 5);
    expect(product('Gemm', [6, 1], { transA: { kind: 'int', value: 1 } })).toBe(6 * 6 * 5);
  });

  it('needs the shapes of convolutions', () => {
    const untold = { ...cutTrunk(tinyTrunk, ['last']), values: [] };
    expect(() => costOf(untold)).toThrow(/^the shape of near is not told/);
  });
});
