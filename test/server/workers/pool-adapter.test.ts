import { expect, test, vi } from 'vitest';
import type { JobOptions } from '../../../engine/pool-options.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import type { RequestOf } from '../../../engine/jobs.ts';
import type { ServerJobs } from '../../../server/workers/jobs.ts';
import { createFakePool, everyKind, imageSide, unlimited } from '../support/adapter.ts';

const toolchain = { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' };

/** An adapter whose jobs are noted with whom they count for. */
function noting() {
  const jobs: (Pick<JobOptions, 'client' | 'cost' | 'urgent' | 'admitted'> & { readonly job: string })[] = [];
  const fake = createFakePool();
  const pool: ServerPool = {
    run: (job, request, options) => {
      const { client, cost, urgent, admitted } = options ?? {};
      jobs.push(JSON.parse(JSON.stringify({ job, client, cost, urgent, admitted })) as never);
      return fake.run(job, request, options);
    },
  };
  return { jobs, adapter: createPoolAdapter(pool, everyKind, toolchain, unlimited) };
}

test('every job counts for its client by its cost; predictions are urgent, and done in pieces', async () => {
  const { jobs, adapter } = noting();
  const asker = { client: 'one', signal: new AbortController().signal };
  const images = Array.from({ length: 60 }, (_, i) => new Uint8Array(3 * imageSide ** 2).fill(4 * i));
  const support = [1, 50].map((at, i) => ({ label: 'ab'.charAt(i), pixels: images[at]! }));
  const watcher = { ...asker, report: () => undefined };
  const { model } = await adapter.adaptImages({ checkpoint: 'photos', steps: 3, support }, watcher);
  expect(jobs.splice(0)).toEqual([{ job: 'adaptImages', client: 'one', cost: 2 * 4e6, admitted: false }]);
  const file = { key: 'colours', model, multiplyAdds: 10, imageSize: imageSide };
  const all = await adapter.predictImages({ ...file, images }, asker);
  const piece = { job: 'predictImages', client: 'one', urgent: true };
  expect(jobs.splice(0)).toEqual([
    { ...piece, cost: 250, admitted: false },
    { ...piece, cost: 250, admitted: true },
    { ...piece, cost: 100, admitted: true },
  ]);
  expect([all.probabilities.length, all.known?.length]).toEqual([60, 60]);
  const alone = await adapter.predictImages({ ...file, images: [images[57]!] }, asker);
  expect(all.probabilities[57]).toEqual(alone.probabilities[0]);
  expect(all.known![57]).toBe(alone.known![0]);
});

test('large adaptations on a trunk take turns from the first plane on; pixels go once planes are made', async () => {
  const trunk = {
    name: 'tiny',
    sha256: '',
    bytes: 1,
    licence: 'CC0-1.0',
    side: 2,
    card: '',
    multiplyAdds: 1,
  };
  const cost = {
    once: 1,
    step: 1,
    memory: { once: { atLeast: 0, view: 100 }, stepped: { atLeast: 0, view: 100 } },
  };
  const standing = everyKind.map((one) => (one.kind === 'images' ? { ...one, cost, trunk } : one));
  const jobs: string[] = [];
  const ends: (() => void)[] = [];
  const pool = {
    run: async (job: string, request: unknown) => {
      if (job === 'planes') {
        const { pixels } = request as RequestOf<ServerJobs, 'planes'>;
        jobs.push(`planes ${pixels[0]}`);
        return new Float32Array(pixels.length / 12);
      }
      jobs.push('adapt');
      await new Promise<void>((resolve) => ends.push(resolve));
      return { timings: {} };
    },
  } as unknown as ServerPool;
  // 260 bytes of two images each, with what an allocator adds
  const limits = { ...unlimited.limits, jobBytes: 400 };
  const adapter = createPoolAdapter(pool, standing, toolchain, { ...unlimited, limits });
  const support = (value: number) =>
    ['a', 'b'].map((label) => ({ label, pixels: new Uint8Array(12).fill(value) }));
  const { signal } = new AbortController();
  const told: string[] = [];
  const adapt = (client: string, images: ReturnType<typeof support>) =>
    adapter.adaptImages(
      { checkpoint: 'photos', steps: 1, support: images },
      { client, signal, report: ({ kind }) => told.push(`${client} ${kind}`) },
    );
  const [first, second] = [support(1), support(2)];
  const both = [adapt('one', first), adapt('two', second)];
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  expect(jobs).toEqual(['planes 1', 'adapt']);
  expect([first.length, second.length]).toEqual([0, 2]);
  expect(told).toEqual(['one accepted', 'two accepted']);
  ends[0]!();
  await vi.waitFor(() => expect(ends).toHaveLength(2));
  expect(jobs).toEqual(['planes 1', 'adapt', 'planes 2', 'adapt']);
  ends[1]!();
  await Promise.all(both);
  await expect(adapt('one', [...support(1), ...support(1)])).rejects.toMatchObject({ code: 'too-much-work' });
});
