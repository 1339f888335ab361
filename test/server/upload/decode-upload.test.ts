import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { ImageError } from '../../../images/image-error.ts';
import { createUploadDecoder } from '../../../server/upload/decode-upload.ts';
import type { UploadedFile } from '../../../server/upload/files.ts';

const asker = { client: 'one', signal: new AbortController().signal };
const limits = { parallel: 2, heavyPixels: 1 };

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
    }, limits);
    const many = decode(upload(1, 100), 8, asker);
    const one = decode(upload(2, 1), 8, asker);
    expect((await one)[0]![0]).toBe(2);
    expect(begun.length).toBeLessThan(8);
    const pixels = await many;
    expect(pixels.map(([byte]) => byte)).toEqual(Array.from({ length: 100 }, () => 1));
    expect(most).toBe(2);
  });

  test('the heavy ones by turns of their clients, and one at a time, while small ones pass', async () => {
    // half a megabyte of PNG that takes seconds and hundreds of MB
    const heavy = await sharp({ create: { width: 5000, height: 4000, channels: 3, background: 'red' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    const small = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const running: { readonly bytes: Uint8Array; readonly end: () => void }[] = [];
    const decode = createUploadDecoder(
      (bytes) => new Promise((end) => running.push({ bytes, end: () => end(bytes) })),
      { parallel: 2, heavyPixels: 64_000_000 },
    );
    const files = (bytes: Uint8Array, count: number) => upload(0, count).map((file) => ({ ...file, bytes }));
    const by = (client: string) => ({ ...asker, client });
    const [first, other] = [heavy, Buffer.concat([heavy])];
    void decode(files(first, 16), 8, by('one'));
    await vi.waitFor(() => expect(running).toHaveLength(1));
    void decode(files(other, 1), 8, by('another'));
    const passing = decode(files(small, 1), 8, by('third'));
    await vi.waitFor(() => expect(running.map(({ bytes }) => bytes)).toEqual([first, small]));
    running[1]!.end();
    expect(await passing).toEqual([small]);
    running[0]!.end();
    await vi.waitFor(() => expect(running).toHaveLength(3));
    running[2]!.end();
    await vi.waitFor(() => expect(running).toHaveLength(4));
    expect(running.slice(2).map(({ bytes }) => bytes)).toContain(other);
  });

  test('up to the first image that cannot be, or to the signal', async () => {
    let decoded = 0;
    const decode = createUploadDecoder(async () => {
      await setImmediate();
      if (++decoded === 3) throw new ImageError('broken_image', 'it is broken');
      return new Uint8Array();
    }, limits);
    await expect(decode(upload(1, 100), 8, asker)).rejects.toMatchObject({ code: 'broken-image' });
    await setImmediate();
    expect(decoded).toBeLessThan(6);
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(decode(upload(1, 100), 8, { client: 'one', signal: gone })).rejects.toThrow('gone');
  });
});
