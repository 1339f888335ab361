import { describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bundleScript } from '../../engine/bundle.ts';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { networkTasks } from '../../bench/networks.ts';
import { workloadSchema } from '../../bench/workload.ts';

const small = { size: 16, way: 2, shot: 1, query: 1, steps: 1 };
const main = new URL('../../bench/main.ts', import.meta.url).pathname;
const bench = async (...words: string[]) =>
  promisify(execFile)(process.execPath, [await bundleScript(main), 'meta-gradient', ...words]);

describe('bench meta-gradient', () => {
  it('prints one line of JSON', async () => {
    const words = Object.entries(small).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { stdout } = await bench('--network', 'conv4', ...words, '--seconds', '0.1', '--json');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['msPerTask', 'tasksPerSecond', 'weights']);
    expect(result['msPerTask']).toBeGreaterThan(0);
    expect(result['tasksPerSecond']).toBeGreaterThan(0);
  });

  it('refuses what it cannot run, with the name of the option', async () => {
    await expect(bench('--size', 'large')).rejects.toThrow(/size/);
  });

  it('does the work of the PyTorch supernet script: 201,032 weights and 5 biases at 42 px', () => {
    const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 1 });
    const workload = workloadSchema.parse({
      ...small,
      network: 'supernet',
      size: 42,
      way: 5,
      query: 15,
      steps: 5,
    });
    expect(networkTasks.supernet(workload, executor).weights).toBe(201_032 + 5);
  });

  it(
    'computes finite gradients of the supernet for every weight and the architecture',
    { tags: ['slow'] },
    async () => {
      const executor = createOnnxExecutor({
        provider: 'cpu',
        threads: 1,
        cacheSize: 3,
      });
      const workload = workloadSchema.parse({ ...small, network: 'supernet' });
      const gradients = await networkTasks.supernet(workload, executor).run();
      await executor.dispose();
      expect(Object.keys(gradients)).toEqual(
        expect.arrayContaining(['stem.0', 'head.vector', 'mix.reduction.0']),
      );
      for (const [name, values] of Object.entries(gradients)) {
        expect(values.every(Number.isFinite), name).toBe(true);
      }
    },
  );
});
