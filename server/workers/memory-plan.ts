/** How the memory of the workers is used. */
export interface MemoryPlan {
  /** of all adaptations that run, bytes */
  readonly jobBytes: number;
  /** of what one worker keeps between its jobs, bytes */
  readonly keptBytes: number;
}

/**
 * One half for the adaptations that run, the other in equal parts for the compiled graphs of the workers.
 * @param bytes of all workers together
 * @param workers all of them, those for predictions among them
 */
export const memoryPlan = (bytes: number, workers: number): MemoryPlan => ({
  jobBytes: bytes / 2,
  keptBytes: bytes / 2 / workers,
});

/** Bytes that the graphs of a usual task and a few files of tasks take in one worker; with less, they are compiled often. */
export const usuallyKept = 256 * 1024 ** 2;
