import { expect, test, vi } from 'vitest';
import { createStopFlag, setStop, stoppableExecutor, stoppableModels } from '../../engine/stoppable.ts';
import type { Executor, ModelRunner, Program } from '../../model/graph/executor.ts';

const run = vi.fn(() => Promise.resolve({}));
const program: Program = { run };
const build = () => {
  throw new Error('nobody builds');
};

test('a job that is to stop compiles no graph and no network any more, and runs none that it has', async () => {
  const flag = createStopFlag();
  const compile = vi.fn(() => Promise.resolve(program));
  const executor = stoppableExecutor({ program: compile } satisfies Executor, flag);
  const models = stoppableModels({ model: compile } satisfies ModelRunner, flag);
  const compiled = await executor.program('a graph', build);
  await compiled.run({});
  setStop(flag, true);
  await expect(executor.program('another', build)).rejects.toMatchObject({ name: 'JobStoppedError' });
  await expect(models.model('a network', build)).rejects.toMatchObject({ name: 'JobStoppedError' });
  expect(() => compiled.run({})).toThrow('the job was given up');
  expect(compile).toHaveBeenCalledTimes(1);
  expect(run).toHaveBeenCalledTimes(1);
  setStop(flag, false); // the next job
  await executor.program('another', build);
  expect(compile).toHaveBeenCalledTimes(2);
});
