import type { Executor, Program, ModelRunner } from '../model/graph/executor.ts';
import { JobStoppedError } from './errors.ts';

/** A number on memory that threads share: what is not 0 says that the running job is to stop. */
export type StopFlag = Int32Array;

export const createStopFlag = (): StopFlag =>
  new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Tells the job to stop, or, before the next one, that it may run. */
export function setStop(flag: StopFlag, stop: boolean): void {
  Atomics.store(flag, 0, stop ? 1 : 0);
}

/** @throws JobStoppedError when the running job is to stop */
function check(flag: StopFlag): void {
  if (Atomics.load(flag, 0) !== 0) throw new JobStoppedError('the job was given up');
}

/** Looks at the flag before every run: a run itself cannot be interrupted. */
const stoppableProgram = (program: Program, flag: StopFlag): Program => ({
  run: (inputs) => {
    check(flag);
    return program.run(inputs);
  },
});

/**
 * The executor for a job that ends with JobStoppedError before its next graph is compiled or run once the
 * flag is set.
 */
export const stoppableExecutor = (executor: Executor, flag: StopFlag): Executor => ({
  program: async (key, build) => {
    check(flag);
    return stoppableProgram(await executor.program(key, build), flag);
  },
});

/** The same of exported networks. */
export const stoppableModels = (models: ModelRunner, flag: StopFlag): ModelRunner => ({
  model: async (key, load) => {
    check(flag);
    return stoppableProgram(await models.model(key, load), flag);
  },
});
