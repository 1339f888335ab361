import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it, test, vi } from 'vitest';
import { mostWorkers } from '../../../engine/options.ts';
import { hasGpuPackage, loadBackend } from '../../../engine/tfjs/backend.ts';

const real = createRequire(import.meta.url);
const options = { provider: 'cpu', threads: 1, cacheSize: 1 } as const;

/** Packages among which `name` is what `load` gives. */
function packagesWith(name: string, load: () => unknown): NodeJS.Require {
  const find = (asked: string): unknown => (asked === name ? load() : real(asked));
  const resolve = (asked: string): string => (asked === name ? asked : real.resolve(asked));
  return Object.assign(find, { resolve }) as unknown as NodeJS.Require;
}

test('tfjs-core, its CPU backend and the package for the GPU are of one version, wherever it is written', () => {
  const root = new URL('../../../', import.meta.url);
  const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
  const { devDependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<
    'devDependencies' | 'peerDependencies',
    Readonly<Record<string, string>>
  >;
  const version = peerDependencies['@tensorflow/tfjs-node-gpu'];
  expect(devDependencies['@tensorflow/tfjs-core']).toBe(version);
  expect(devDependencies['@tensorflow/tfjs-backend-cpu']).toBe(version);
  for (const path of ['Dockerfile', 'docs/gpu.md']) {
    const named = [...read(path).matchAll(/tfjs-node-gpu@([\d.]+)/g)].map(([, found]) => found);
    expect(named, path).toEqual([version]);
  }
});

describe('loadBackend', () => {
  it('takes the package for the GPU where it is installed, with the tfjs-core that it brings', () => {
    const own = { version: { 'tfjs-core': '4.22.0' }, backend: () => ({ isUsingGpuDevice: true }) };
    const packages = packagesWith('@tensorflow/tfjs-node-gpu', () => own);
    expect(hasGpuPackage(packages)).toBe(true);
    const { tf, description } = loadBackend(packages);
    expect(tf).toBe(own);
    expect(description).toBe('tfjs 4.22.0, backend tfjs-node-gpu on the GPU');
    own.backend = () => ({ isUsingGpuDevice: false });
    expect(loadBackend(packages).description).toContain('on the CPU, since it sees no GPU');
  });

  it.each(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'])(
    'does not hide that %s does not load',
    (name) => {
      const packages = packagesWith(name, () => {
        throw new Error('libtensorflow.so.2 is missing');
      });
      const code = 'PROVIDER_UNAVAILABLE';
      expect(() => loadBackend(packages)).toThrow(expect.objectContaining({ code }) as Error);
      expect(() => loadBackend(packages)).toThrow(/does not load: libtensorflow.so.2 is missing/);
    },
  );

  it('is not installed by npm ci, so that these tests run on the CPU', () => {
    expect(hasGpuPackage()).toBe(false);
    expect(mostWorkers({ ...options, name: 'tfjs' })).toBe(Number.POSITIVE_INFINITY);
  });

  it('has one worker on the GPU, whose native part serves one thread', async () => {
    vi.resetModules();
    vi.doMock('../../../engine/tfjs/backend.ts', () => ({ hasGpuPackage: () => true }));
    const mocked = await import('../../../engine/options.ts');
    vi.doUnmock('../../../engine/tfjs/backend.ts');
    vi.resetModules();
    expect(mocked.mostWorkers({ ...options, name: 'tfjs' })).toBe(1);
    expect(mocked.mostWorkers(options)).toBe(Number.POSITIVE_INFINITY);
  });
});
