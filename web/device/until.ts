import type { Executor, ModelRunner, Program } from '../../model/graph/executor.ts';

/**
 * The executor until the signal aborts: then no graph or network is made ready or run any more, and what is running ends
 * by itself.
 */
export function until(signal: AbortSignal, executor: Executor & ModelRunner): Executor & ModelRunner {
  const guarded = async (ready: () => Promise<Program>): Promise<Program> => {
    signal.throwIfAborted();
    const program = await ready();
    return {
      run: async (inputs) => {
        signal.throwIfAborted();
        return program.run(inputs);
      },
    };
  };
  return {
    program: (key, build) => guarded(() => executor.program(key, build)),
    model: (key, load) => guarded(() => executor.model(key, load)),
  };
}
