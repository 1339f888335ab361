import { ServiceError } from '../errors/errors.ts';

/** What ends the work that goes on without a client, by task. */
export class UnattendedWork {
  readonly #controllers = new Map<string, Set<AbortController>>();

  add(id: string, controller: AbortController): void {
    const all = this.#controllers.get(id) ?? new Set();
    this.#controllers.set(id, all.add(controller));
  }

  remove(id: string, controller: AbortController): void {
    const all = this.#controllers.get(id);
    all?.delete(controller);
    if (all?.size === 0) this.#controllers.delete(id);
  }

  /** Gives the work up, since its task is removed. Returns whether there was any. */
  abandon(id: string): boolean {
    const all = this.#controllers.get(id);
    const detail = 'The task was removed while it was made.';
    for (const controller of all ?? []) controller.abort(new ServiceError('unknown-task', { detail }));
    return all !== undefined;
  }
}
