import { LRUCache } from 'lru-cache';
import type { Owner } from '../access/access.ts';
import { inTime } from '../concurrency/in-time.ts';
import type { Claims } from '../storage/claims.ts';
import type { TaskRecord } from '../storage/record.ts';

/** Claims that are remembered, for a storage that does not answer. */
const remembered = 10_000;
/** Within which the storage says whether a remembered claim is still there. */
const answerSeconds = 1;

/**
 * Which tasks are whose. One that was made where tasks have no owners, and that nobody has claimed since, is everyone's who
 * knows its id.
 */
export class Ownership {
  readonly #claims: Claims;
  readonly #owners: () => readonly string[];
  readonly #known = new LRUCache<string, true>({ max: remembered });

  /** @param owners all that there are at present: the claims of others do not count */
  constructor(claims: Claims, owners: () => readonly string[]) {
    this.#claims = claims;
    this.#owners = owners;
  }

  /** Notes that the owner has asked for the task. */
  async claim(id: string, { name }: Owner): Promise<void> {
    if (!(await this.#claims.has(id, name))) await this.#claims.add(id, name);
    this.#known.set(`${id} ${name}`, true);
  }

  /**
   * Whether the owner may use a task.
   * @param recordOf the task, where it is there; asked for only where the owner has no claim
   * @throws what the storage throws, the signal's reason
   */
  async mayUse(
    id: string,
    { name, every }: Owner,
    recordOf: () => Promise<Pick<TaskRecord, 'owned'> | undefined>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (every || (await this.#owns(id, name, signal))) return true;
    const record = await recordOf();
    if (!record || record.owned) return false; // a claim may be lost, and opens nothing
    return !(await this.#isOfOthers(id, name, signal));
  }

  /** Gives the owner's claim up. Resolves to whether the task is still somebody's. */
  async disclaim(id: string, { name }: Owner): Promise<boolean> {
    await this.#remove(id, name);
    return this.#isOfOthers(id, name);
  }

  /** Gives all claims up. */
  async disclaimAll(id: string): Promise<void> {
    for (const name of this.#names()) await this.#remove(id, name);
  }

  async #remove(id: string, name: string): Promise<void> {
    this.#known.delete(`${id} ${name}`);
    await this.#claims.remove(id, name);
  }

  async #owns(id: string, name: string, signal: AbortSignal | undefined): Promise<boolean> {
    const key = `${id} ${name}`;
    const asked = this.#claims.has(id, name, signal);
    if (!this.#known.has(key)) {
      if (await asked) this.#known.set(key, true);
      return this.#known.has(key);
    }
    try {
      const late = () => new Error(`no answer within ${answerSeconds} seconds`);
      const has = await inTime(answerSeconds, asked, late);
      if (!has) this.#known.delete(key);
      return has;
    } catch {
      signal?.throwIfAborted();
      asked.catch(() => undefined);
      return true; // as tasks in memory are given while the storage is silent
    }
  }

  /** Whether others have a claim. */
  async #isOfOthers(id: string, name: string, signal?: AbortSignal): Promise<boolean> {
    const others = this.#names().filter((other) => other !== name);
    const claims = await Promise.all(others.map((other) => this.#claims.has(id, other, signal)));
    return claims.includes(true);
  }

  #names(): string[] {
    return [...new Set(this.#owners())];
  }
}
