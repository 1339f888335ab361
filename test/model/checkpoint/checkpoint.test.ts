import { describe, expect, it } from 'vitest';
import { CheckpointError, decodeCheckpoint, encodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { CellGenotype } from '../../../model/search-space/genotype.ts';
import { randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';
import { tinyImages } from '../../support/tiny-images.ts';
import { decodeTensors, encodeTensors } from '../../../model/checkpoint/safetensors.ts';
import type { TensorFile } from '../../../model/checkpoint/safetensors.ts';

const checkpoint: Checkpoint = { ...tinyImages, training: { seed: 1 } };
const bytes = encodeCheckpoint(checkpoint);

/** The same file with something changed. */
const changed = (change: (file: TensorFile) => TensorFile): Uint8Array =>
  encodeTensors(change(decodeTensors(bytes)));
const without = (name: string) => (file: TensorFile) => ({
  ...file,
  tensors: Object.fromEntries(Object.entries(file.tensors).filter(([own]) => own !== name)),
});

describe('checkpoint', () => {
  it('comes back as it was written, also out of a Buffer that is part of a pool', () => {
    expect(decodeCheckpoint(bytes)).toEqual(checkpoint);
    const pool = Buffer.alloc(bytes.length + 24, 7);
    pool.set(bytes, 12);
    expect(decodeCheckpoint(pool.subarray(12, 12 + bytes.length))).toEqual(checkpoint);
    expect(encodeCheckpoint(checkpoint)).toEqual(bytes);
  });

  it('holds what architectures read of a trunk, and refuses what is not there to be read', () => {
    const onTrunk = trunkConfiguration();
    const cell = (input: number): CellGenotype => ({
      nodes: [0, 1].map(() => [{ operation: 'skip_connect', input }]),
    });
    const holding = (coarse: string, beside: string[]): Checkpoint => ({
      ...randomTrunkCheckpoint(onTrunk),
      genotypes: [
        {
          normal: cell(0),
          reduction: cell(1),
          taps: { slots: { 'normal.0': 'a', 'normal.1': 'b', 'reduction.0': coarse }, beside },
        },
      ],
    });
    const known = holding('c', ['a', 'c']);
    expect(decodeCheckpoint(encodeCheckpoint(known))).toEqual(known);
    const unknown = [holding('d', []), holding('c', ['d']), holding('c', ['a', 'a'])];
    const plain = { normal: cell(0), reduction: cell(1) };
    for (const other of [...unknown, { ...known, genotypes: [plain] }])
      expect(() => decodeCheckpoint(encodeCheckpoint(other))).toThrow('a genotype does not fit');
  });

  it.each([
    ['a missing tensor', changed(without('stem.0')), 'stem.0 is missing'],
    [
      'a foreign tensor',
      changed((f) => ({ ...f, tensors: { ...f.tensors, extra: { shape: [1], data: new Float32Array(1) } } })),
      'extra',
    ],
    [
      'another shape',
      changed((f) => ({
        ...f,
        tensors: { ...f.tensors, 'stem.0': { shape: [1], data: new Float32Array(1) } },
      })),
      'stem.0',
    ],
    [
      'a value that is not finite',
      changed((f) => ({
        ...f,
        tensors: { ...f.tensors, 'head.scale': { shape: [1, 1], data: Float32Array.of(Number.NaN) } },
      })),
      'head.scale',
    ],
    ['an unknown format', changed((f) => ({ ...f, metadata: { ...f.metadata, format: 'other' } })), 'format'],
    [
      'a configuration that does not fit',
      changed((f) => ({ ...f, metadata: { ...f.metadata, configuration: '{"image":{"size":1}}' } })),
      'size',
    ],
    [
      'metadata that is no JSON',
      changed((f) => ({ ...f, metadata: { ...f.metadata, training: '{' } })),
      'not a checkpoint',
    ],
    ['a file cut short', bytes.subarray(0, bytes.length - 5), 'outside the file'],
    ['an empty file', new Uint8Array(), 'shorter'],
    ['another file', new TextEncoder().encode('this is no checkpoint at all'), 'not a checkpoint'],
  ])('refuses %s', (_, broken, message) => {
    expect(() => decodeCheckpoint(broken)).toThrow(CheckpointError);
    expect(() => decodeCheckpoint(broken)).toThrow(message);
  });
});
