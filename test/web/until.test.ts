import { expect, it } from 'vitest';
import type { Executor, ModelRunner, Program } from '../../model/graph/executor.ts';
import { until } from '../../web/device/until.ts';

let runs = 0;
const counting: Program = {
  run: () => Promise.resolve({ count: { data: new Float32Array([++runs]), shape: [1] } }),
};
const executor: Executor & ModelRunner = {
  program: () => Promise.resolve(counting),
  model: () => Promise.resolve(counting),
};

it.each<[string, (guarded: Executor & ModelRunner) => Promise<Program>]>([
  ['graphs', (guarded) => guarded.program('key', () => ({ name: 'nothing', outputs: {} }))],
  ['networks', (guarded) => guarded.model('key', () => new Uint8Array())],
])('makes and runs %s until the signal aborts', async (_, ready) => {
  runs = 0;
  const abort = new AbortController();
  const program = await ready(until(abort.signal, executor));
  await program.run({});
  abort.abort(new Error('cancelled'));
  await expect(program.run({})).rejects.toThrow('cancelled');
  await expect(ready(until(abort.signal, executor))).rejects.toThrow('cancelled');
  expect(runs).toBe(1);
});
