import { pino } from 'pino';
import { expect, test } from 'vitest';
import { precompileAll } from '../../../server/workers/precompile-all.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import type { ImagesFile } from '../../../server/workers/load-checkpoints.ts';

test('while one half of the workers compiles ahead, the other is there for requests', async () => {
  const busy = new Set<number>();
  const done: string[] = [];
  let most = 0;
  const run = async (
    _job: string,
    { genotypeIndex }: { genotypeIndex: number },
    { worker }: { worker: number },
  ) => {
    busy.add(worker);
    most = Math.max(most, busy.size);
    await Promise.resolve();
    busy.delete(worker);
    done.push(`${worker} ${genotypeIndex}`);
  };
  const file = { id: 'a', genotypes: 2 } as ImagesFile;
  const pool = { run } as unknown as ServerPool;
  await precompileAll(pool, 4, file, { workersReady: true, draining: false }, pino({ level: 'silent' }));
  expect(most).toBe(2);
  expect(done.sort()).toEqual(['0 0', '0 1', '1 0', '1 1', '2 0', '2 1', '3 0', '3 1']);
});
