import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import type { Redis } from 'ioredis';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { announcedRuns, readAnnouncement } from './cluster/announcement.ts';
import { ClusterWorker } from './cluster/cluster-worker.ts';
import { placeOf } from './cluster/address.ts';
import { connected } from './cluster/connection.ts';
import type { Announcement } from './cluster/messages.ts';
import { withOwnPlaces } from './cluster/places.ts';
import { differences, sharedParts } from './cluster/shared-parts.ts';
import { integerFrom, skipOf, strictOption } from './command/arguments.ts';
import { runCommand } from './command/run-command.ts';
import { imagesOf } from './outer-loop/run-images.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('train-worker')
  .description('Computes parts of the meta-batches of a run that `npm run train -- --cluster` trains.')
  .argument('<redis>', 'redis://HOST:PORT, as the trainer has it')
  .option('--run <name>', 'the run; where it is not said, the one that is trained with this Redis')
  .option('--threads <n>', 'worker threads; the cores of this machine by default', integerFrom(1))
  .option(
    '--data <name=path>',
    'where the images of a domain are here, if not where the configuration says; may be given again',
    (text: string, before: readonly string[]) => [...before, text],
    [],
  )
  .option('--trunk <file>', "where the trunk's card is here, if not where the configuration says")
  .option('--once', 'ends when the run has ended, instead of waiting for the next', false)
  .addOption(strictOption());

interface WorkerOptions {
  readonly run?: string;
  readonly threads?: number;
  readonly data: readonly string[];
  readonly trunk?: string;
  readonly once: boolean;
  readonly strict: boolean;
}

/** How often it is looked whether a run is announced, milliseconds. */
const lookMs = 1000;

async function main(): Promise<void> {
  const options = program.parse().opts<WorkerOptions>();
  const [url] = program.args as [string];
  const redis = await connected(url);
  await flushDenormals(); // before any session, so that all machines compute the same bits
  const stop = stopSignal();
  try {
    console.log(`waiting for a run on ${placeOf(url)}`);
    while (!stop.aborted) {
      const run = await nextRun(redis, options.run, stop);
      if (!run) break;
      await takePartIn(run, url, redis, options, stop);
      if (options.once) break;
    }
  } finally {
    redis.disconnect();
  }
}

/**
 * The run that is announced, or will be; undefined once it is time to stop.
 * @throws Error when there are several to choose from
 */
async function nextRun(
  redis: Redis,
  wanted: string | undefined,
  stop: AbortSignal,
): Promise<Announcement | undefined> {
  while (!stop.aborted) {
    const runs = wanted === undefined ? await announcedRuns(redis).catch(() => []) : [wanted];
    const live: Announcement[] = [];
    for (const run of runs) {
      const announcement = await unlessAway(redis, () => readAnnouncement(redis, run));
      if (announcement && !announcement.ended) live.push(announcement);
    }
    if (live.length > 1)
      throw new Error(
        `several runs are trained: choose one by --run: ${live.map(({ configuration: { name } }) => name).join(', ')}`,
      );
    if (live[0]) return live[0];
    await pause(lookMs);
  }
  return undefined;
}

/** Takes part until the run has ended, is another one, or it is time to stop. */
async function takePartIn(
  run: Announcement,
  url: string,
  redis: Redis,
  { run: wanted, data, trunk, threads = availableParallelism(), strict }: WorkerOptions,
  stop: AbortSignal,
): Promise<void> {
  const { engine, shared } = run;
  const configuration = withOwnPlaces(run.configuration, { data, trunk });
  const { name } = configuration;
  console.log(`${name}: reading its images`);
  const images = await imagesOf({ ...configuration, workers: threads }, stop, skipOf(strict));
  const domains = images.drawn;
  const differing = differences(shared, await sharedParts(configuration, domains, engine));
  if (differing.length > 0) throw new Error([`no part is taken in ${name}:`, ...differing].join('\n'));
  let failure: unknown;
  const joined = { configuration, domains, engine, identity: shared.identity, threads };
  const worker = await ClusterWorker.join(url, redis, joined, (error) => (failure ??= error));
  console.log(`${name}: taking part as ${worker.id} with ${threads} threads`);
  try {
    while (!stop.aborted && failure === undefined) {
      await pause(lookMs);
      const now = await unlessAway(redis, () => readAnnouncement(redis, name));
      if (now && (now.ended || now.shared.identity !== shared.identity)) break;
      if (now || wanted !== undefined) continue;
      // a trainer that is away may come back and go on where it was, unless another is here
      if (((await unlessAway(redis, () => announcedRuns(redis))) ?? []).length > 0) break;
    }
  } finally {
    await worker.leave();
  }
  const { parts, tasks } = worker.done;
  console.log(`${name}: left, after ${parts} parts of ${tasks} tasks`);
  if (failure !== undefined) throw failure as Error;
}

/** Undefined while Redis is away. */
async function unlessAway<T>(redis: Redis, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (redis.status === 'ready') throw error;
    return undefined;
  }
}

await runCommand(main);
