import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import {
  isMirrored,
  mayMirror,
  meansOfMirrored,
  withMirrorImages,
} from '../../../model/adaptation/mirror-images.ts';
import { mirroringSpecification } from '../../../model/parameters.ts';

const configuration = parseModelConfiguration({ encoder: { state: 2 }, mirroring: { shots: 2 } });

describe('mirrored sets', () => {
  it('are those of at most so many images a class, in the mean', () => {
    expect(mayMirror(configuration, { way: 5, support: 10 })).toBe(true);
    expect(mayMirror(configuration, { way: 5, support: 11 })).toBe(false);
    expect(mayMirror(parseModelConfiguration({}), { way: 5, support: 5 })).toBe(false);
  });

  it('are those on one side of a plane of embeddings', () => {
    const parameters = { mirroring: Float32Array.of(2, -1, 0.5) };
    const mirrored = (...z: number[]) => isMirrored(configuration, parameters, Float32Array.from(z));
    expect(mirroringSpecification(configuration).shape).toEqual([1, 3]);
    expect(mirrored(0, 0.25)).toBe(true);
    expect(mirrored(-0.5, 0.25)).toBe(false);
    expect(isMirrored(parseModelConfiguration({}), {}, Float32Array.of(0, 0.25))).toBe(false);
  });

  it('has every image again, each row and channel turned left to right, with its label', () => {
    const images = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => i); // two images of 2 x 2
    const set = withMirrorImages({ images, targets: Float32Array.of(1, 0, 0, 1), count: 2 }, 2);
    expect(set.count).toBe(4);
    expect([...set.images.subarray(0, 24)]).toEqual([...images]);
    expect([...set.images.subarray(24, 32)]).toEqual([1, 0, 3, 2, 5, 4, 7, 6]);
    expect([...set.targets]).toEqual([1, 0, 0, 1, 1, 0, 0, 1]);
    const again = withMirrorImages(
      { images: set.images.slice(24), targets: set.targets.slice(4), count: 2 },
      2,
    );
    expect([...again.images.subarray(24)]).toEqual([...images]);
  });

  it('have one answer for an image and its mirror image', () => {
    expect([...meansOfMirrored(Float32Array.of(1, 2, 3, 4, 5, 6, 8, 0))]).toEqual([3, 4, 5.5, 2]);
  });

  it('need an encoder', () => {
    expect(() => parseModelConfiguration({ network: { kind: 'conv4' }, mirroring: { shots: 1 } })).toThrow(
      /without an encoder/,
    );
  });
});
