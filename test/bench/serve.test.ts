import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { barePredictions } from '../../bench/serve/bare.ts';
import { timesOf } from '../../bench/serve/load.ts';
import { photo } from '../../bench/serve/photos.ts';
import { startService } from '../../bench/serve/start.ts';
import { imageFormat } from '../../images/format.ts';
import { Graph } from '../../model/graph/graph.ts';
import { toOnnx } from '../../model/graph/onnx/lowering.ts';
import { mean } from '../../model/graph/operations.ts';
import { temporaryFolder } from '../server/support/harness.ts';

describe('the bench of the service', () => {
  test('times are values that occurred, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
    expect(timesOf(values)).toEqual({ count: 100, p50: 51, p95: 96, worst: 100 });
    expect(timesOf([5])).toEqual({ count: 1, p50: 5, p95: 5, worst: 5 });
  });

  test('photos of one label and index are the same bytes, all others differ', async () => {
    const size = { width: 96, height: 64 };
    const [one, again, index, label] = await Promise.all([
      photo(0, 0, size),
      photo(0, 0, size),
      photo(0, 1, size),
      photo(1, 0, size),
    ]);
    expect(imageFormat(one)).toBe('JPEG');
    expect(again).toEqual(one);
    expect(index).not.toEqual(one);
    expect(label).not.toEqual(one);
  });

  test('the bare loop runs a model in every thread', async () => {
    const images = [await photo(0, 0, { width: 32, height: 32 })];
    const outputs = { colour: mean(new Graph().input('image', [2, 3, 8, 8]), [2, 3]) };
    const model = toOnnx({ name: 'colour', outputs }, { dynamicBatch: 'n', portable: true });
    expect(await barePredictions({ model, images, size: 8, loops: 2, seconds: 0.2 }, 2)).toBeGreaterThan(0);
  });

  test('a service starts without the variables of who starts it, and one that ends says why', async () => {
    vi.stubEnv('MNAS_WORKERS', 'many');
    onTestFinished(() => void vi.unstubAllEnvs());
    const script = fileURLToPath(new URL('../server/support/serve.ts', import.meta.url));
    const folder = await temporaryFolder();
    const { child, url } = await startService({ script, folder });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const wrong = startService({ folder, environment: { MNAS_PROVIDER: 'gpu' } });
    await expect(wrong).rejects.toThrow(/ended with 1\n[^]*MNAS_PROVIDER/);
    await expect(wrong).rejects.not.toThrow('MNAS_WORKERS');
  });
});
