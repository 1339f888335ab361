import type { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { SessionCache } from '../../engine/session-cache.ts';

/** Keeps sessions of such sizes, by the order of their names; `gone` has those that were released. */
function cacheOf(limits: { readonly sessions: number; readonly bytes: number }) {
  const cache = new SessionCache(limits);
  const gone: string[] = [];
  const keep = (name: string, bytes: number) => {
    const session = { release: () => Promise.resolve(void gone.push(name)) };
    cache.resize(cache.add(name, Promise.resolve(session as unknown as InferenceSession)), bytes);
  };
  return { cache, gone, keep };
}

describe('SessionCache', () => {
  test('gives up between jobs what takes more than half by itself, and nothing that fits', async () => {
    const { cache, gone, keep } = cacheOf({ sessions: 9, bytes: 100 });
    keep('half', 50);
    await cache.trim();
    expect(gone).toEqual([]);
    keep('more', 51); // the one that was used last stays until the job is done
    expect(gone).toEqual([]);
    await cache.trim();
    expect(gone).toEqual(['more']);
    expect([cache.size, cache.bytes]).toEqual([1, 50]);
  });

  test('gives up the least recently used where all together take too much', async () => {
    const { cache, gone, keep } = cacheOf({ sessions: 9, bytes: 100 });
    keep('a', 40);
    keep('b', 40);
    cache.get('a');
    keep('c', 40);
    await cache.trim();
    expect(gone).toEqual(['b']);
    keep('d', 20);
    expect(cache.bytes).toBe(100);
  });

  test('releases a session that is in use when its last call ends, and forgets one that fails', async () => {
    const { cache, gone, keep } = cacheOf({ sessions: 1, bytes: 100 });
    keep('used', 10);
    const entry = cache.get('used')!;
    entry.users = 1;
    keep('other', 10);
    expect([entry.evicted, entry.released, gone]).toEqual([true, undefined, []]);
    const failure = Promise.reject(new Error('no memory'));
    cache.add('failing', failure);
    await failure.catch(() => undefined);
    await cache.clear();
    expect(cache.has('failing')).toBe(false);
    expect(gone).toEqual(['other']);
  });
});
