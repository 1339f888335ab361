import { expect, test } from 'vitest';
import { Metrics } from '../../../server/metrics.ts';
import { measuredPool } from '../../../server/workers/measured-pool.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';

/** A pool whose one job waits and runs until it is told to go on. */
function steppedPool() {
  const steps = { start: () => {}, end: () => {}, fail: () => {} };
  const run = (_job: string, _request: unknown, options?: { readonly onStarted?: () => void }) =>
    new Promise((resolve, reject) => {
      steps.start = () => options?.onStarted?.();
      steps.end = () => resolve('svg');
      steps.fail = () => reject(new Error('failed'));
    });
  return { pool: { run } as unknown as ServerPool, steps };
}

test('jobs are measured by kind: how long they wait, how long they take, how they end', async () => {
  const metrics = new Metrics();
  const { pool, steps } = steppedPool();
  const { run } = measuredPool(pool, metrics);
  const picture = {} as never;
  const counts = async (name: string) =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}_count`));

  let started = 0;
  const done = run('drawCells', picture, { onStarted: () => started++ });
  expect(await counts('mnas_queue_wait_seconds')).toEqual([]);
  steps.start();
  expect(await counts('mnas_queue_wait_seconds')).toEqual([
    'mnas_queue_wait_seconds_count{work="drawCells"} 1',
  ]);
  steps.end();
  expect(await done).toBe('svg');
  expect(started).toBe(1);

  const failed = run('drawCells', picture);
  steps.start();
  steps.fail();
  await expect(failed).rejects.toThrow('failed');

  const refused = run('drawCells', picture); // never begun
  steps.fail();
  await expect(refused).rejects.toThrow('failed');

  const client = new AbortController();
  const left = run('drawCells', picture, { signal: client.signal });
  steps.start();
  client.abort();
  steps.fail();
  await expect(left).rejects.toThrow('failed');

  expect((await counts('mnas_job_duration_seconds')).sort()).toEqual([
    'mnas_job_duration_seconds_count{work="drawCells",outcome="done"} 1',
    'mnas_job_duration_seconds_count{work="drawCells",outcome="failed"} 1',
    'mnas_job_duration_seconds_count{work="drawCells",outcome="given-up"} 1',
  ]);
  expect(await counts('mnas_queue_wait_seconds')).toEqual([
    'mnas_queue_wait_seconds_count{work="drawCells"} 3',
  ]);
});
