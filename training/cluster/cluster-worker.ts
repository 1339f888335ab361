import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { parameterSpecifications } from '../../model/parameters.ts';
import { batchPayload, computeGradients, largestMetaBatch } from '../outer-loop/meta-batch.ts';
import { startHost } from '../outer-loop/gradient-host.ts';
import type { RunHost } from '../outer-loop/gradient-host.ts';
import { OuterMemory } from '../outer-loop/outer-loop.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import { stageAt } from '../run/schedule.ts';
import type { ClusteredRun } from './cluster-trainer.ts';
import { keptMs } from './cluster-trainer.ts';
import { takePart } from './hosts.ts';
import { RunKeys } from './keys.ts';
import { genotypesOf, rangeOf, sendable, vectorBytes, vectorHash, vectorOf, wantedOf } from './messages.ts';
import type { Part } from './messages.ts';
import { takeParts } from './parts-queue.ts';

/** How often a machine asks whether the part that it computes is still wanted, milliseconds. */
const askMs = 500;

/** A part that is wanted no more. */
class UnwantedError extends Error {
  override readonly name = 'UnwantedError';
}

/** What a machine has done for a run. */
export interface Done {
  readonly parts: number;
  readonly tasks: number;
}

/** A machine that takes part in a run: takes parts of meta-batches, and leaves their sums. */
export class ClusterWorker {
  readonly id: string;
  readonly #run: ClusteredRun;
  readonly #redis: Redis;
  readonly #keys: RunKeys;
  readonly #host: RunHost;
  readonly #worker: Worker;
  readonly #part: { readonly stop: () => Promise<void> };
  readonly #leaving = new AbortController();
  readonly #fail: (error: unknown) => void;
  /** Of the Θ that the threads read. */
  #parameters = '';
  #done: Done = { parts: 0, tasks: 0 };

  private constructor(
    url: string,
    redis: Redis,
    run: ClusteredRun,
    { keys, host, fail }: { keys: RunKeys; host: RunHost; fail: (error: unknown) => void },
  ) {
    this.id = `${hostname()}-${randomBytes(3).toString('hex')}`;
    this.#redis = redis;
    this.#run = run;
    this.#keys = keys;
    this.#host = host;
    this.#fail = fail;
    this.#worker = takeParts(url, { queue: keys.queue, name: this.id }, (part, id) => this.#answer(part, id));
    this.#part = takePart(redis, keys, { id: this.id, threads: host.threads });
  }

  /**
   * Begins to take parts of a run that this machine has the data of.
   * @param identity of the run (`SharedParts`)
   * @param fail told of what ends it: a fault of this machine, after which the part is computed elsewhere
   */
  static async join(
    url: string,
    redis: Redis,
    run: ClusteredRun & { readonly identity: string; readonly threads: number },
    fail: (error: unknown) => void,
  ): Promise<ClusterWorker> {
    const { configuration, domains, engine, identity, threads } = run;
    const layout = new ParameterLayout(parameterSpecifications(configuration.model));
    const memory = new OuterMemory(layout, new Float32Array(layout.length), largestMetaBatch(configuration));
    const host = startHost(configuration, domains, memory, { engine, threads });
    try {
      await host.pool.ready();
    } catch (error) {
      await host.pool.close();
      throw error;
    }
    const keys = new RunKeys(configuration.name, identity);
    return new ClusterWorker(url, redis, run, { keys, host, fail });
  }

  get done(): Done {
    return this.#done;
  }

  /** Leaves the run: what is begun is computed elsewhere. */
  async leave(): Promise<void> {
    this.#leaving.abort(new UnwantedError('the machine has left'));
    await this.#part.stop().catch(() => undefined);
    await this.#worker.close().catch(() => undefined);
    await this.#host.pool.close();
  }

  async #answer(part: Part, id: string): Promise<object | null> {
    if (!(await this.#wanted(part))) return null;
    const fetched = await this.#fetchParameters(part);
    const stop = new AbortController();
    const asking = setInterval(() => {
      const ask = this.#wanted(part).then((wanted) => {
        if (!wanted) stop.abort(new UnwantedError('the part is wanted no more'));
      });
      void ask.catch(() => undefined); // Redis is away: the part may still be wanted
    }, askMs);
    try {
      const signal = AbortSignal.any([stop.signal, this.#leaving.signal]);
      const { configuration } = this.#run;
      const payload = batchPayload(configuration, stageAt(configuration, part.iteration), genotypesOf(part));
      const { threads, gradients } = this.#host;
      const results = await computeGradients(this.#host, payload, rangeOf(part), { threads, signal });
      const sum = gradients[part.first]!;
      await this.#redis.set(this.#keys.sum(id), vectorBytes(sum), 'PX', keptMs);
      this.#done = { parts: this.#done.parts + 1, tasks: this.#done.tasks + part.count };
      return sendable({ host: this.id, sum: vectorHash(sum), fetched, results });
    } catch (error) {
      if (stop.signal.aborted) return null;
      if (!this.#leaving.signal.aborted && this.#redis.status === 'ready') this.#fail(error);
      throw error;
    } finally {
      clearInterval(asking);
    }
  }

  async #wanted({ epoch, iteration }: Part): Promise<boolean> {
    return (await this.#redis.get(this.#keys.wanted)) === wantedOf(epoch, iteration);
  }

  /** Θ of the part's iteration, on the memory of the threads. Gives the bytes that were fetched: of one part an iteration. */
  async #fetchParameters({ epoch, iteration, parameters }: Part): Promise<number> {
    if (this.#parameters === parameters) return 0;
    const bytes = await this.#redis.getBuffer(this.#keys.parameters(epoch, iteration));
    const { layout, parameters: shared } = this.#host.memory;
    const vector = vectorOf(bytes, parameters);
    if (vector.length !== layout.length)
      throw new Error(`Θ of ${vector.length} numbers, not ${layout.length}`);
    shared.set(vector);
    this.#parameters = parameters;
    return vector.byteLength;
  }
}
