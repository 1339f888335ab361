import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { stringify } from 'yaml';
import { parameterSpecifications } from '../../model/parameters.ts';
import { fold, keyFrom, uniform } from '../../model/random.ts';
import { readTrainingConfiguration } from '../../training/outer-loop/configuration.ts';
import type { IterationMetrics } from '../../training/outer-loop/iteration-metrics.ts';
import { ParameterLayout } from '../../training/run/parameter-vector.ts';
import { median } from '../median.ts';
import { startRedis } from '../serve/redis.ts';
import { canThrottle, throttledLink } from './link.ts';
import type { IterationCosts } from './model.ts';
import { processorSeconds, start } from './process.ts';
import type { Command } from './process.ts';

export interface ClusterPlan {
  /** A configuration of training/configs/images, and which of its stages, from 0 on. */
  readonly row: string;
  readonly stage: number;
  readonly tasks: number;
  /** Measured, after one that compiles. */
  readonly iterations: number;
  /** Of the link that is throttled. */
  readonly megabits: number;
}

/** One way to run the iterations, as measured. */
export interface ClusterTimes {
  readonly machines: string;
  /** Of an iteration, median. */
  readonly seconds: number;
  /** Processor time of all processes, a task. */
  readonly processorSeconds: number;
  /** Of the last iteration. */
  readonly parts: number;
  readonly away: number;
  readonly megabytes: number;
}

/** Where the trainer and the other machine run. */
interface Setting {
  readonly machines: string;
  readonly config: string;
  readonly other?: {
    /** Of Redis, as the other machine reaches it. */
    readonly address: string;
    readonly prefix: readonly string[];
  };
}

/** Tasks of next to nothing: what is left is what an iteration takes beside them. The filters decide the size of Θ. */
const nothing = (filters: number) => ({
  model: {
    image: { size: 16 },
    network: { kind: 'conv4', filters },
    innerLoop: { steps: 1 },
  },
  stages: [{ stage: 'retrain', iterations: 1000, shapes: [{ way: 2, shot: 1, query: 1 }] }],
});
/** Filters of a Θ of next to nothing, and of one of 1.8 MB. */
const [few, many] = [2, 128];

/**
 * Measures iterations of one machine, of two on this machine's own network, and of two behind a throttled link. Each
 * machine is a process with one thread, on a processor of its own.
 * @throws Error when there is no redis-server
 */
export async function benchCluster(
  plan: ClusterPlan,
  told: (times: ClusterTimes) => void,
): Promise<IterationCosts> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-bench-'));
  try {
    const images = await writeNoise(join(folder, 'images'));
    const { config, bytes } = await writeRun(folder, images, plan);
    const local = { address: '127.0.0.1', prefix: ['taskset', '-c', '1'] };
    const alone = await measure(folder, { machines: 'one', config }, plan);
    told(alone);
    told(await measure(folder, { machines: 'two, loopback', config, other: local }, plan));
    const light = { tasks: 2, iterations: 30 };
    const configs = await Promise.all(
      [few, many].map(async (filters) => {
        const path = join(folder, `nothing-${filters}.yaml`);
        await writeFile(path, stringify({ ...common(images, 'nothing', light.tasks), ...nothing(filters) }));
        return path;
      }),
    );
    const [small, large] = configs as [string, string];
    const rest = await measure(folder, { machines: 'two, no work', config: small, other: local }, light);
    told(rest);
    told(await measure(folder, { machines: 'two, no work, larger Θ', config: large, other: local }, light));
    if (canThrottle()) {
      const link = throttledLink(plan.megabits);
      try {
        const other = { address: link.address, prefix: [...link.prefix, ...local.prefix] };
        const behind = `${plan.megabits} Mbit/s`;
        told(await measure(folder, { machines: `two, ${behind}`, config, other }, plan));
        const machines = `two, no work, larger Θ, ${behind}`;
        told(await measure(folder, { machines, config: large, other }, light));
      } finally {
        link.remove();
      }
    }
    return { task: alone.processorSeconds, rest: rest.seconds, bytes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const common = (images: string, name: string, metaBatch: number): object => ({
  name: `bench-${name}`,
  seed: 1,
  domains: [{ source: { kind: 'folder', name: 'noise', path: images } }],
  metaBatch,
  workers: 1,
  validation: { every: 1_000_000, tasks: 1 },
});

/** The run that is measured: one stage of a row, on noise. */
async function writeRun(
  folder: string,
  images: string,
  { row, stage, tasks }: ClusterPlan,
): Promise<{ readonly config: string; readonly bytes: number }> {
  const path = fileURLToPath(new URL(`../../training/configs/images/${row}.yaml`, import.meta.url));
  const { model, stages } = await readTrainingConfiguration(path);
  const chosen = stages[stage];
  if (!chosen) throw new Error(`${row} has ${stages.length} stages`);
  const config = join(folder, 'run.yaml');
  const own = { model, stages: [{ ...chosen, metaBatch: tasks }] };
  await writeFile(config, stringify({ ...common(images, 'run', tasks), ...own }));
  return { config, bytes: 4 * new ParameterLayout(parameterSpecifications(model)).length };
}

/** Classes of noisy images, enough for tasks of twenty ways. */
async function writeNoise(folder: string): Promise<string> {
  for (let own = 0; own < 40; own++) {
    const path = join(folder, `class${own}`);
    await mkdir(path, { recursive: true });
    for (let i = 0; i < 12; i++) {
      const pixels = uniform(fold(keyFrom(1), 'noise', own, i), 84 * 84 * 3);
      const raw = Buffer.from(Uint8Array.from(pixels, (x) => 255 * x));
      await sharp(raw, { raw: { width: 84, height: 84, channels: 3 } }).toFile(join(path, `${i}.png`));
    }
  }
  return folder;
}

async function measure(
  folder: string,
  { machines, config, other }: Setting,
  { tasks, iterations }: Pick<ClusterPlan, 'tasks' | 'iterations'>,
): Promise<ClusterTimes> {
  const runs = await mkdtemp(join(folder, 'runs-'));
  const redis = await startRedis({ bind: '0.0.0.0' });
  const url = redis.url.replace('127.0.0.1', other?.address ?? '');
  const worker = other && (await start('train-worker', [url, '--threads', '1'], other.prefix));
  const cluster = other ? ['--cluster', redis.url, '--await', '1'] : [];
  const trainer = await start(
    'train',
    ['--config', config, '--runs', runs, ...cluster],
    ['taskset', '-c', '0'],
  );
  const all = [trainer, ...(worker ? [worker] : [])];
  try {
    // the second iteration, too, compiles on a machine that had no part of the first
    const before = await linesOf(runs, 2, all);
    const begun = all.map(processorOf);
    const lines = await linesOf(runs, before.length + iterations, all);
    const spent = all.map((one, i) => processorOf(one) - begun[i]!);
    const own = lines.slice(before.length);
    const { cluster: last } = own.at(-1)!;
    return {
      machines,
      seconds: median(own.map(({ seconds }) => seconds)),
      processorSeconds: spent.reduce((a, b) => a + b, 0) / (own.length * tasks),
      parts: last?.parts ?? 1,
      away: last?.away ?? 0,
      megabytes: last ? (last.fetched + last.sums) / 1e6 : 0,
    };
  } finally {
    for (const one of all) one.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    await redis.stop();
  }
}

/** The seconds of a command's process, or of the one that it has started in a namespace. */
function processorOf({ pid }: Command): number {
  const children = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout.split('\n');
  return [pid, ...children.filter((child) => child !== '').map(Number)]
    .map(processorSeconds)
    .reduce((a, b) => a + b, 0);
}

/** The first lines of a run's metrics, once there are so many. */
async function linesOf(runs: string, wanted: number, all: readonly Command[]): Promise<IterationMetrics[]> {
  for (;;) {
    const lines = await Promise.any(
      ['run', 'nothing'].map((name) => readFile(join(runs, `bench-${name}`, 'metrics.jsonl'), 'utf8')),
    ).then(
      (text) => text.split('\n').slice(0, -1),
      () => [],
    );
    if (lines.length >= wanted) return lines.map((line) => JSON.parse(line) as IterationMetrics);
    const dead = await Promise.race([pause(100), ...all.map(({ ended }) => ended)]);
    if (dead !== undefined)
      throw new Error(`a process has ended:\n${all.map(({ said }) => said()).join('\n')}`);
  }
}
