import { randomUUID } from 'node:crypto';
import type { Asker } from '../ports.ts';
import type { Link } from './link.ts';
import { ALIVE_MS, ALIVE_SECONDS, names, ORDER_SECONDS } from './names.ts';

/** `attended` where a client waits for the answer; work that goes on without one has no deadline. */
const waitingOf = ({ deadline }: Asker) => (deadline === undefined ? 'unattended' : 'attended');

/**
 * Which replicas wait for which runs. One that has died waits for nothing that a client would have got; what was taken on
 * without a client stays wanted.
 */
export class Waiters {
  readonly #link: Link;
  /** this process */
  readonly #me = randomUUID();
  readonly #timer: NodeJS.Timeout;

  constructor(link: Link) {
    this.#link = link;
    const live = () => link.ask((client) => client.set(names.replica(this.#me), '', 'EX', ALIVE_SECONDS));
    const tell = () => void live().catch(() => undefined); // logged, and the next time is not far
    tell();
    this.#timer = setInterval(tell, ALIVE_MS);
    this.#timer.unref();
  }

  /** Notes that this process waits. @throws ServiceError `queue-unavailable` */
  async add(run: string, asker: Asker): Promise<void> {
    const name = names.waiters(run);
    const waiting = waitingOf(asker);
    await this.#link.ask((client) =>
      client.multi().hset(name, this.#me, waiting).expire(name, ORDER_SECONDS).exec(),
    );
  }

  /** Notes that it does not any more. Resolves to whether anybody does. @throws ServiceError `queue-unavailable` */
  async remove(run: string): Promise<boolean> {
    await this.#link.ask((client) => client.hdel(names.waiters(run), this.#me));
    const { attended, unattended } = await this.of(run);
    return attended || unattended;
  }

  /** Who waits for a run. @throws ServiceError `queue-unavailable` */
  async of(run: string): Promise<{ readonly attended: boolean; readonly unattended: boolean }> {
    const all = await this.#link.ask((client) => client.hgetall(names.waiters(run)));
    const ids = Object.keys(all).filter((id) => all[id] === 'attended');
    const unattended = ids.length < Object.keys(all).length;
    if (ids.length === 0) return { attended: false, unattended };
    const alive = await this.#link.ask((client) => client.exists(...ids.map(names.replica)));
    return { attended: alive > 0, unattended };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
