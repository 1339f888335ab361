import { expect, it } from 'vitest';
import type { Executor } from '../../model/graph/executor.ts';
import { until } from '../../web/device/until.ts';

const build = () => ({ name: 'nothing', outputs: {} });

it('makes and runs graphs until the signal aborts', async () => {
  let runs = 0;
  const executor: Executor = {
    program: () =>
      Promise.resolve({
        run: () => Promise.resolve({ count: { data: new Float32Array([++runs]), shape: [1] } }),
      }),
  };
  const abort = new AbortController();
  const program = await until(abort.signal, executor).program('key', build);
  await program.run({});
  abort.abort(new Error('cancelled'));
  await expect(program.run({})).rejects.toThrow('cancelled');
  await expect(until(abort.signal, executor).program('key', build)).rejects.toThrow('cancelled');
  expect(runs).toBe(1);
});
