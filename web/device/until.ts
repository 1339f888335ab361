import type { Executor } from '../../model/graph/executor.ts';

/** The executor until the signal aborts: then no graph is made ready or run any more, and what is running ends by itself. */
export const until = (signal: AbortSignal, executor: Executor): Executor => ({
  program: async (key, build) => {
    signal.throwIfAborted();
    const program = await executor.program(key, build);
    return {
      run: async (inputs) => {
        signal.throwIfAborted();
        return program.run(inputs);
      },
    };
  },
});
