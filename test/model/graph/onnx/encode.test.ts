import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeModel,
  encodeModel,
  metadataSize,
  OnnxFormatError,
} from '../../../../model/graph/onnx/encode.ts';
import type { OnnxAttribute, OnnxModel } from '../../../../model/graph/onnx/encode.ts';
import { runFile } from '../../../support/run-file.ts';

/** y = softmax(x · w + b) with a dynamic batch; uses every kind of initializer. */
const model: OnnxModel = {
  name: 'softmax-regression',
  nodes: [
    {
      operator: 'Cast',
      inputs: ['b.float16'],
      outputs: ['b'],
      attributes: { to: { kind: 'int', value: 1 } },
    },
    { operator: 'Reshape', inputs: ['image', 'flat'], outputs: ['rows'] },
    {
      operator: 'Gemm',
      name: 'head',
      inputs: ['rows', 'w', 'b'],
      outputs: ['logits'],
      attributes: { transB: { kind: 'int', value: 1 }, alpha: { kind: 'float', value: 0.5 } },
    },
    {
      operator: 'Softmax',
      inputs: ['logits'],
      outputs: ['probabilities'],
      attributes: { axis: { kind: 'int', value: -1 } },
    },
  ],
  initializers: [
    { name: 'flat', shape: [2], data: BigInt64Array.from([-1n, 4n]) },
    { name: 'w', shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i / 10) },
    { name: 'b.float16', shape: [3], data: Uint16Array.of(0x3c00, 0xbc00, 0) },
  ],
  inputs: [{ name: 'image', shape: ['n', 2, 2], type: 'float' }],
  outputs: [
    { name: 'logits', shape: ['n', 3], type: 'float' },
    { name: 'probabilities', shape: ['n', 3], type: 'float' },
  ],
  values: [{ name: 'rows', shape: ['n', 4], type: 'float' }],
  opset: 17,
  domains: [{ domain: 'com.microsoft', version: 1 }],
  metadata: { labels: '["Katze","犬"]', checkpoint: 'photos' },
  documentation: 'a small model',
};

const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.record({ kind: fc.constant('int' as const), value: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant('ints' as const), value: fc.array(fc.maxSafeInteger()) }),
  fc.record({ kind: fc.constant('float' as const), value: fc.float({ noNaN: true }) }),
  fc.record({ kind: fc.constant('floats' as const), value: fc.array(fc.float({ noNaN: true })) }),
  fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
);
const attributeName = fc.stringMatching(/^[a-z0-9][a-z_0-9]{0,8}$/);

describe('metadataSize', () => {
  test('is what an entry adds to the file', () => {
    for (const value of ['', 'é', 'x'.repeat(200)]) {
      const other = { ...model, metadata: { ...model.metadata, names: value } };
      expect(encodeModel(other).length).toBe(encodeModel(model).length + metadataSize('names', value));
    }
  });
});

describe('encodeModel', () => {
  test('round trip', () => {
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  test('every attribute survives, whatever its value', () => {
    const attributes = fc.dictionary(attributeName, attribute, { minKeys: 1, noNullPrototype: true });
    fc.assert(
      fc.property(attributes, (given) => {
        const node = { operator: 'Any', inputs: [], outputs: [], attributes: given };
        expect(decodeModel(encodeModel({ ...model, nodes: [node] })).nodes).toEqual([node]);
      }),
      { numRuns: 200 },
    );
  });

  test('an attribute of value zero and an empty tensor are written', () => {
    const nodes = [
      {
        operator: 'Any',
        inputs: ['', 'empty'],
        outputs: ['y'],
        attributes: { axis: { kind: 'int', value: 0 } },
      },
    ] as const;
    const initializers = [{ name: 'empty', shape: [0], data: new Float32Array(0) }];
    expect(decodeModel(encodeModel({ ...model, nodes, initializers }))).toMatchObject({
      nodes,
      initializers,
    });
  });

  test('is deterministic: the order of metadata and attributes does not matter', () => {
    const [cast, first, second, third] = model.nodes;
    const reordered: OnnxModel = {
      ...model,
      metadata: { checkpoint: 'photos', labels: '["Katze","犬"]' },
      nodes: [
        cast!,
        first!,
        {
          ...second!,
          attributes: { alpha: second!.attributes!['alpha']!, transB: second!.attributes!['transB']! },
        },
        third!,
      ],
    };
    expect(encodeModel(reordered)).toEqual(encodeModel(model));
  });

  test('the bytes own their buffer, so that they can be transferred', () => {
    const bytes = encodeModel(model);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });

  test('onnxruntime runs it, with any batch', async () => {
    const image = { data: Float32Array.from({ length: 8 }, (_, i) => i), dims: [2, 2, 2] };
    const { logits, probabilities } = await runFile(encodeModel(model), { image });
    // row 0 is [0, 1, 2, 3]: 0.5 · (0·0 + 1·0.1 + 2·0.2 + 3·0.3) + 1 = 1.7, and so on
    expect(logits!.dims).toEqual([2, 3]);
    const values = Array.from(logits!.data);
    [1.7, 0.9, 3.1].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5));
    const sum = probabilities!.data.slice(3).reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(1, 5);
  });

  test('refuses what it cannot write', () => {
    const short = { name: 'w', shape: [3], data: new Float32Array(2) };
    expect(() => encodeModel({ ...model, initializers: [short] })).toThrow(OnnxFormatError);
    const node = {
      operator: 'Any',
      inputs: [],
      outputs: [],
      attributes: { n: { kind: 'int', value: 0.5 } },
    } as const;
    expect(() => encodeModel({ ...model, nodes: [node] })).toThrow('n: 0.5 is not a safe integer');
  });

  test('a broken file is an OnnxFormatError', () => {
    const bytes = encodeModel(model);
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 3))).toThrow(OnnxFormatError);
    expect(() => decodeModel(new Uint8Array())).toThrow('no graph');
  });
});
