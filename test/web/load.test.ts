import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { encodeModel } from '../../model/graph/onnx/encode.ts';
import { sha256 } from '../../server/storage/sha256.ts';
import { ServerFiles } from '../../web/device/load.ts';
import { tinyTrunk } from '../support/tiny-trunk.ts';

const bytes = encodeModel(tinyTrunk);
const source = {
  name: 'tiny',
  licence: 'CC0-1.0',
  sha256: sha256(bytes),
  url: '/v1/trunks/x',
  bytes: bytes.length,
};
const headers = { authorization: 'Bearer x' };

const fetched = vi.fn<typeof fetch>();
beforeEach(() => void vi.stubGlobal('fetch', fetched.mockReset()));
afterEach(() => void vi.unstubAllGlobals());

const answer = (body: Uint8Array<ArrayBuffer>, status = 200) =>
  fetched.mockImplementationOnce(() => Promise.resolve(new Response(body, { status })));

it('a trunk is loaded once, and described as by its card', async () => {
  answer(bytes);
  const files = new ServerFiles();
  const { card, model } = await files.trunk(source, headers);
  expect(card).toMatchObject({ name: 'tiny', licence: 'CC0-1.0', sha256: source.sha256, side: 8 });
  expect(model).toEqual(tinyTrunk);
  expect((await files.trunk(source, headers)).model).toBe(model);
  expect(fetched.mock.calls).toEqual([['/v1/trunks/x', { headers }]]);
});

it('how much of a file is there is told as it comes', async () => {
  const parts = [bytes.subarray(0, 100), bytes.subarray(100)];
  const body = new ReadableStream({
    pull: (controller) => {
      const next = parts.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
  fetched.mockResolvedValueOnce(new Response(body));
  const told: [number, number][] = [];
  await new ServerFiles().trunk(source, headers, (...loaded) => told.push(loaded));
  expect(told).toEqual([
    [100, bytes.length],
    [bytes.length, bytes.length],
  ]);
});

it('another trunk is refused, where the page can tell', async () => {
  const other = { ...source, sha256: '1'.repeat(64) };
  answer(bytes);
  await expect(new ServerFiles().trunk(other, headers)).rejects.toThrow(
    `The trunk tiny came with the SHA-256 ${source.sha256} in place of ${other.sha256}.`,
  );
  vi.stubGlobal('crypto', {}); // as on a page of http:// that is not of this machine
  answer(bytes);
  expect((await new ServerFiles().trunk(other, headers)).model).toEqual(tinyTrunk);
});

it('what cannot be loaded is told, and asked for again by the next try', async () => {
  const files = new ServerFiles();
  answer(new Uint8Array(), 404);
  await expect(files.trunk(source, headers)).rejects.toThrow('The trunk tiny could not be loaded (404).');
  fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  await expect(files.trunk(source, headers)).rejects.toThrow(
    'The trunk tiny could not be loaded (Failed to fetch).',
  );
  fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  await expect(files.checkpoint({ url: '/file', bytes: 9 }, headers)).rejects.toThrow(
    'The checkpoint could not be loaded (Failed to fetch).',
  );
  answer(bytes);
  expect((await files.trunk(source, headers)).model).toEqual(tinyTrunk);
});
