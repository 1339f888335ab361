import { randomBytes } from 'node:crypto';
import type { Worker } from 'bullmq';
import type { ChainableCommander, Redis } from 'ioredis';
import type { EngineChoice } from '../../engine/options.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import type { RunHost } from '../outer-loop/gradient-host.ts';
import { subtreesOf, sumAlongTree } from '../outer-loop/mean-gradient.ts';
import type { TaskRange } from '../outer-loop/mean-gradient.ts';
import type { BatchPayload } from '../outer-loop/meta-batch.ts';
import { thisMachine } from '../outer-loop/spread.ts';
import type { SpreadBatch } from '../outer-loop/spread.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { Announcing } from './announcement.ts';
import { Batch } from './batch.ts';
import { connected } from './connection.ts';
import { threadsOfHosts } from './hosts.ts';
import { RunKeys } from './keys.ts';
import { answerSchema, firstOf, keysOf, vectorBytes, vectorHash, vectorOf, wantedOf } from './messages.ts';
import { Pace } from './pace.ts';
import { PartsQueue, takeParts } from './parts-queue.ts';
import { subtreeSize } from './plan.ts';
import { sharedParts } from './shared-parts.ts';

/** How long Θ and sums outlive whoever wrote them, milliseconds. */
export const keptMs = 3_600_000;
/** How often late machines and a lost Redis are looked for. */
const lookMs = 250;
/** How long Redis may be away before this machine computes what is open. */
const awayMs = 1000;

/** What a cluster trains. */
export interface ClusteredRun {
  readonly configuration: TrainingConfiguration;
  readonly domains: readonly ImageDomain[] | readonly PlaneDomain[];
  readonly engine: EngineChoice;
}

/**
 * The trainer's end of a cluster: hands out the parts of a meta-batch to all machines, this one among them, and gathers
 * their sums. This machine alone goes on without the others, and without Redis.
 */
export class ClusterTrainer {
  readonly #redis: Redis;
  readonly #keys: RunKeys;
  readonly #announcing: Announcing;
  readonly #epoch: string;
  readonly #queue: PartsQueue;
  readonly #own: Worker;
  readonly #pace = new Pace();
  readonly #warn: (text: string) => void;
  #away: number | undefined;
  /** The meta-batch at hand, and the hash of its Θ. */
  #at: { readonly batch: Batch; readonly host: RunHost; readonly parameters: string } | undefined;
  /** Of the meta-batch at hand. */
  #bytes = { fetched: 0, sums: 0 };

  private constructor(
    url: string,
    redis: Redis,
    announcing: Announcing,
    { epoch, keys, warn }: { epoch: string; keys: RunKeys; warn: (text: string) => void },
  ) {
    this.#redis = redis;
    this.#announcing = announcing;
    this.#epoch = epoch;
    this.#keys = keys;
    this.#warn = warn;
    this.#queue = new PartsQueue(url, keys.queue, {
      active: (id) => this.#heard(id, (batch, first) => batch.begun(first)),
      completed: (id, answer) =>
        this.#heard(id, (batch, first) => void this.#receive(batch, first, id, answer)),
      failed: (id, reason) =>
        this.#heard(id, (batch, first) => {
          warn(`a machine has failed with a part, which is computed here: ${reason}`);
          void batch.computeHere(first);
        }),
    });
    this.#own = takeParts(url, { queue: keys.queue, name: 'trainer' }, (_, id) => this.#computeOwn(id));
    redis.on('close', () => (this.#away ??= performance.now()));
    redis.on('ready', () => {
      this.#away = undefined;
      if (this.#at) void this.#handOut(this.#at.batch.open, false).catch(() => undefined); // what was lost with Redis
    });
  }

  /**
   * Announces the run to machines.
   * @throws Error of one line when Redis does not answer, or another trainer trains this run
   */
  static async open(
    url: string,
    { configuration, domains, engine }: ClusteredRun,
    warn: (text: string) => void,
  ): Promise<ClusterTrainer> {
    const redis = await connected(url);
    try {
      const shared = await sharedParts(configuration, domains, engine);
      const epoch = randomBytes(6).toString('hex');
      const keys = new RunKeys(configuration.name, shared.identity);
      const announcing = await Announcing.begin(redis, {
        epoch,
        ended: false,
        engine,
        shared,
        configuration,
      });
      const cluster = new ClusterTrainer(url, redis, announcing, { epoch, keys, warn });
      await cluster.#queue.begin();
      return cluster;
    } catch (error) {
      redis.disconnect();
      throw error;
    }
  }

  /** The threads of the machines that take part, this one not counted. */
  async hosts(): Promise<readonly number[]> {
    return threadsOfHosts(this.#redis, this.#keys);
  }

  /** The gradients of a meta-batch, as `Spread` wants them. */
  async spread(host: RunHost, payload: BatchPayload, tasks: number): Promise<SpreadBatch> {
    this.#announcing.requireOwn();
    const threads = this.#away === undefined ? await this.hosts().catch(() => []) : [];
    const size = subtreeSize(tasks, [host.threads, ...threads]);
    const parts = subtreesOf(tasks, size);
    if (threads.length === 0 || parts.length === 1) {
      const cluster = { hosts: 1, parts: 1, away: 0, again: 0, fetched: 0, sums: 0 };
      return { ...(await thisMachine(host, payload, tasks)), cluster };
    }
    const batch = new Batch(host, payload, parts, this.#pace);
    this.#at = { batch, host, parameters: vectorHash(host.memory.parameters.vector) };
    this.#bytes = { fetched: 0, sums: 0 };
    let alone = false;
    const timer = setInterval(() => this.#look(batch, alone), lookMs);
    try {
      await this.#handOut(parts, false).catch((error: unknown) => {
        this.#warn(`the parts of an iteration are computed here: ${reasonOf(error)}`);
        alone = true;
      });
      const results = await batch.results();
      sumAlongTree(host.gradients, { first: 0, count: tasks }, size);
      const told = { hosts: batch.hosts.size, parts: parts.length, away: batch.away, again: batch.again };
      return { results, cluster: { ...told, ...this.#bytes } };
    } finally {
      clearInterval(timer);
      this.#at = undefined;
      await this.#takeBack(payload.iteration).catch(() => undefined); // it expires
    }
  }

  /** @param ended whether the run has; otherwise machines wait for it */
  async close(ended: boolean): Promise<void> {
    const quietly = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
    await quietly(this.#announcing.end(ended));
    if (this.#away === undefined) await quietly(this.#queue.obliterate());
    await quietly(this.#own.close(true));
    await quietly(this.#queue.close());
    this.#redis.disconnect();
  }

  /** Publishes Θ and parts. @param again whether other machines have them, which are late */
  async #handOut(parts: readonly TaskRange[], again: boolean): Promise<void> {
    const { batch, host, parameters } = this.#at!;
    const { iteration, genotypes } = batch.payload;
    const epoch = this.#epoch;
    const key = this.#keys.parameters(epoch, iteration);
    const publishing = this.#redis.multi().set(this.#keys.wanted, wantedOf(epoch, iteration), 'PX', keptMs);
    if (!again) publishing.set(key, vectorBytes(host.memory.parameters.vector), 'PX', keptMs);
    await executed(publishing);
    const common = { epoch, iteration, parameters, genotypes: keysOf(genotypes) };
    const jobs = parts.flatMap(({ first, count }) => {
      const attempt = batch.handOut(first, again);
      return attempt === undefined ? [] : { part: { ...common, first, count }, attempt };
    });
    await this.#queue.add(jobs);
  }

  async #takeBack(iteration: number): Promise<void> {
    await this.#redis
      .multi()
      .del(this.#keys.parameters(this.#epoch, iteration))
      .set(this.#keys.wanted, wantedOf(this.#epoch, iteration + 1), 'PX', keptMs)
      .exec();
    await this.#queue.drain();
  }

  /** Parts that are late are handed out again; all that are open are computed here while Redis is away. */
  #look(batch: Batch, alone: boolean): void {
    if (alone || (this.#away !== undefined && performance.now() - this.#away > awayMs)) {
      const [next] = batch.open;
      if (next && !batch.computing) void batch.computeHere(next.first);
      return;
    }
    const { late } = batch;
    if (late.length === 0) return;
    batch.again += late.length;
    void this.#handOut(late, true).catch(() => undefined);
  }

  async #computeOwn(id: string): Promise<null> {
    const running: Promise<void>[] = [];
    this.#heard(id, (batch, first) => running.push(batch.computeHere(first)));
    await Promise.all(running);
    return null;
  }

  /** What another machine has computed: its sum is fetched and checked. */
  async #receive(batch: Batch, first: number, id: string, answer: unknown): Promise<void> {
    try {
      const told = answerSchema.parse(answer);
      if (told === null) return;
      const key = this.#keys.sum(id);
      this.#bytes.fetched += told.fetched;
      if (batch.isOpen(first)) {
        const sum = vectorOf(await this.#redis.getBuffer(key), told.sum);
        this.#bytes.sums += sum.byteLength;
        batch.accept(first, told.host, told.results, sum);
      }
      await this.#redis.unlink(key).catch(() => undefined); // it expires
    } catch (error) {
      this.#warn(`the sum of a part is lost, which is computed here: ${reasonOf(error)}`);
      void batch.computeHere(first);
    }
  }

  /** Runs `work` where the job is of the meta-batch at hand. */
  #heard(id: string, work: (batch: Batch, first: number) => unknown): void {
    const batch = this.#at?.batch;
    const first = batch && firstOf(id, this.#epoch, batch.payload.iteration);
    if (first !== undefined) work(batch!, first);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs commands as one. @throws the first error of a command */
async function executed(commands: ChainableCommander): Promise<void> {
  for (const [error] of (await commands.exec()) ?? []) if (error) throw error;
}
