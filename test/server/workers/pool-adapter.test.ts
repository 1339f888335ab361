import { expect, test } from 'vitest';
import type { JobOptions } from '../../../engine/pool-options.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import { createFakePool, everyKind, SIZE, UNLIMITED } from '../support/adapter.ts';

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
  return { jobs, adapter: createPoolAdapter(pool, everyKind, toolchain, UNLIMITED) };
}

test('every job counts for its client by its cost; predictions are urgent, and done in pieces', async () => {
  const { jobs, adapter } = noting();
  const asker = { client: 'one', signal: new AbortController().signal };
  const images = Array.from({ length: 60 }, (_, i) => new Uint8Array(3 * SIZE ** 2).fill(4 * i));
  const support = [1, 50].map((at, i) => ({ label: 'ab'.charAt(i), pixels: images[at]! }));
  const watcher = { ...asker, report: () => undefined };
  const { model } = await adapter.adaptImages({ checkpoint: 'photos', steps: 3, support }, watcher);
  expect(jobs.splice(0)).toEqual([{ job: 'adaptImages', client: 'one', cost: 2 * 4e6 }]);
  const file = { key: 'colours', model, multiplyAdds: 10, imageSize: SIZE };
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
