import type { TaskProgress } from './progress.ts';

/** Other processes that make tasks, and those that have asked them to. */
export interface Elsewhere {
  /** @throws ServiceError `queue-unavailable` within a second, where they cannot be asked for anything */
  check(): Promise<void>;
  /**
   * How a task is being made, whoever has asked for it, or how its making failed lately; undefined where none of them knows.
   * @throws ServiceError `queue-unavailable`
   */
  find(id: string): Promise<TaskProgress | undefined>;
  /**
   * Gives up the making of a task where no client waits for it, else waits for its end. Resolves to whether it gave any up,
   * once nobody makes the task any more.
   * @throws ServiceError `queue-unavailable`
   */
  giveUp(id: string): Promise<boolean>;
}
