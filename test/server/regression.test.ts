import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import request from 'supertest';
import { expect, onTestFinished, test } from 'vitest';
import { onnxruntimeVersion } from '../../engine/onnxruntime.ts';
import { WorkerPool } from '../../engine/pool.ts';
import { encodeRegressionCheckpoint } from '../../model/regression/checkpoint.ts';
import { createPoolAdapter } from '../../server/workers/pool-adapter.ts';
import type { ServerJobs, ServerWorkerData } from '../../server/workers/jobs.ts';
import { loadCheckpoints } from '../../server/workers/load-checkpoints.ts';
import { tinyRegression } from '../support/tiny-regression.ts';
import { unlimited } from './support/adapter.ts';
import { expectContract } from './support/contract.ts';
import { harness, temporaryFolder } from './support/harness.ts';
import { predictionsOf, regressionOf, support } from './support/regression.ts';

/** The adapter of the service itself: one worker with a checkpoint from a folder. */
async function poolAdapter() {
  const folder = await temporaryFolder();
  const bytes = encodeRegressionCheckpoint(tinyRegression({ order: 'sorted' }));
  await writeFile(join(folder, 'toy.safetensors'), bytes);
  const checkpoints = await loadCheckpoints({ bundled: folder, added: undefined, defaultId: undefined });
  const pool = new WorkerPool<ServerJobs, ServerWorkerData>({
    workers: 1,
    queueLimit: 8,
    jobs: new URL('../../server/workers/jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 8, memoryPattern: false },
    workerData: { checkpoints },
  });
  onTestFinished(() => pool.close());
  expect(await pool.runOnAll('warm', undefined)).toEqual([1]);
  const toolchain = { exporter: 1, onnxruntime: onnxruntimeVersion, provider: 'cpu' };
  return createPoolAdapter(pool, checkpoints, toolchain, unlimited);
}

test('a checkpoint of regression in a folder: listed, adapted in a worker, predicted with', async () => {
  const { app, postJson } = await harness({ replace: { adapter: await poolAdapter() } });
  const listed = await request(app).get('/v1/checkpoints');
  expectContract(listed, 'get', '/v1/checkpoints');
  expect(listed.body).toMatchObject({
    checkpoints: [{ kind: 'regression', id: 'toy', default: true, steps: 5 }],
  });
  expect((await request(app).get('/readyz')).status).toBe(200);

  const made = await postJson('/v1/tasks', { support });
  expectContract(made, 'post', '/v1/tasks');
  expect(made.status).toBe(201);
  const task = regressionOf(made);
  const x = [-1, 0, 0.7];
  const predictions = predictionsOf(await postJson(`/v1/tasks/${task.id}/predictions`, { x }));
  const download = await request(app).get(task.model.url).responseType('blob');
  const session = await InferenceSession.create(new Uint8Array(download.body as Buffer));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.from(x), [x.length, 1]) });
  await session.release();
  predictions.forEach((prediction, i) => expect(prediction.y).toBeCloseTo((y!.data as Float32Array)[i]!, 5));

  const far = await postJson('/v1/tasks', { support: support.map(([a, b]) => [1e20 * a, 1e20 * b]) });
  expect([far.status, (far.body as { code: string }).code]).toEqual([422, 'not-adaptable']);
}, 60_000);
