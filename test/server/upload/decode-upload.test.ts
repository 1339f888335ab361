import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ImageError } from '../../../images/image-error.ts';
import { createUploadDecoder } from '../../../server/upload/decode-upload.ts';
import type { UploadedFile } from '../../../server/upload/files.ts';

const { signal } = new AbortController();

/** Files whose one byte says of which upload they are. */
const upload = (byte: number, count: number): readonly UploadedFile[] =>
  Array.from({ length: count }, (_, index) => ({
    part: { index, name: 'a', file: `${index}` },
    place: { kind: 'part' },
    bytes: Uint8Array.of(byte),
  }));

describe('uploads are decoded', () => {
  test('by turns, so many images at a time, in order', async () => {
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const decode = createUploadDecoder(async (bytes) => {
      begun.push(bytes[0]!);
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      return Uint8Array.of(bytes[0]!, begun.length);
    }, 2);
    const many = decode(upload(1, 100), 8, signal);
    const one = decode(upload(2, 1), 8, signal);
    expect((await one)[0]![0]).toBe(2);
    expect(begun.length).toBeLessThan(8);
    const pixels = await many;
    expect(pixels.map(([byte]) => byte)).toEqual(Array.from({ length: 100 }, () => 1));
    expect(most).toBe(2);
  });

  test('up to the first image that cannot be, or to the signal', async () => {
    let decoded = 0;
    const decode = createUploadDecoder(async () => {
      await setImmediate();
      if (++decoded === 3) throw new ImageError('broken_image', 'it is broken');
      return new Uint8Array();
    }, 2);
    await expect(decode(upload(1, 100), 8, signal)).rejects.toMatchObject({ code: 'broken-image' });
    await setImmediate();
    expect(decoded).toBeLessThan(6);
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(decode(upload(1, 100), 8, gone)).rejects.toThrow('gone');
  });
});
