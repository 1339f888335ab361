import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTensors } from '../../../model/checkpoint/safetensors.ts';
import type { IterationMetrics } from '../../../training/outer-loop/iteration-metrics.ts';
import { start } from '../../../bench/cluster/process.ts';
import type { Command } from '../../../bench/cluster/process.ts';
import { hasRedis, startRedis } from '../../../bench/serve/redis.ts';
import type { Redis } from '../../../bench/serve/redis.ts';
import { writeImages } from '../../support/image-folder.ts';
import { sharedFolder } from '../../support/shared-folder.ts';
import { tinyImages, writeTinyRun } from './tiny-run.ts';

if (!hasRedis)
  console.warn('clusters are not tested: there is no redis-server (Debian: apt install redis-server)');

const root = sharedFolder();
let redis: Redis;
let config: string;
const begun: Command[] = [];
const begunRedis: Redis[] = [];
const run = async (...given: Parameters<typeof start>): Promise<Command> => {
  const command = await start(...given);
  begun.push(command);
  return command;
};

/** Θ, its average and the moments of Adam at the end of a run, and its metrics. */
async function outcomeOf(runs: string, name: string) {
  const { tensors } = decodeTensors(await readFile(root(runs, name, 'state.safetensors')));
  const text = await readFile(root(runs, name, 'metrics.jsonl'), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as IterationMetrics);
  const iterations = lines.filter((line) => 'loss' in line);
  return {
    tensors,
    losses: iterations.map(({ loss }) => loss),
    cluster: iterations.flatMap(({ cluster }) => cluster ?? []),
  };
}

afterAll(async () => {
  for (const command of begun) command.kill('SIGKILL');
  for (const one of begunRedis) await one.stop();
});

describe.runIf(hasRedis)('a run on several machines', { timeout: 400_000 }, () => {
  const iterations = 6;
  let alone: Awaited<ReturnType<typeof outcomeOf>>;
  beforeAll(async () => {
    redis = await startRedis();
    await writeImages(root('images'), tinyImages);
    config = await writeTinyRun(root('tiny.yaml'), { name: 'tiny', images: root('images'), iterations });
    const single = await run('train', ['--config', config, '--runs', root('alone')]);
    expect(await single.ended, single.said()).toBe(0);
    alone = await outcomeOf('alone', 'tiny');
  }, 400_000);
  afterAll(async () => {
    await redis.stop();
  });

  it('has the bits of one machine, whoever computes what', { tags: ['whole'] }, async () => {
    const workers = await Promise.all(
      ['1', '1'].map((threads) => run('train-worker', [redis.url, '--threads', threads, '--once'])),
    );
    const trainer = await run('train', [
      ...['--config', config, '--runs', root('together')],
      ...['--cluster', redis.url, '--await', '2'],
    ]);
    expect(await trainer.ended, trainer.said()).toBe(0);
    for (const worker of workers) {
      expect(await worker.ended, worker.said()).toBe(0);
      expect(worker.said()).toMatch(/tiny: left, after \d+ parts/);
    }
    const together = await outcomeOf('together', 'tiny');
    expect(together.tensors).toEqual(alone.tensors);
    expect(together.losses).toEqual(alone.losses);
    const { cluster } = together;
    expect(cluster).toHaveLength(2 * iterations);
    expect(Math.max(...cluster.map(({ away }) => away))).toBeGreaterThan(0);
    const bytes = 4 * alone.tensors['parameters']!.data.length;
    for (const { fetched, sums, away, parts } of cluster) {
      // Θ at most once a machine, a sum a part
      expect(fetched).toBeLessThanOrEqual(2 * bytes);
      expect(sums).toBeGreaterThanOrEqual(away * bytes);
      expect(parts).toBeLessThanOrEqual(7);
    }
    expect(trainer.said()).not.toMatch(/computed here/);
  });

  it(
    'has the same bits when a machine is killed within a part, and another joins',
    { tags: ['slow'] },
    async () => {
      const machine = () => run('train-worker', [redis.url, '--threads', '1']);
      const [first, second] = [await machine(), await machine()];
      const options = ['--config', config, '--runs', root('killed'), '--cluster', redis.url];
      const trainer = await run('train', [...options, '--await', '2']);
      await first.says(/taking part as/);
      const id = /taking part as (\S+)/.exec(first.said())![1]!;
      const client = new Client(redis.url);
      const stopped = await stopWithinPart(client, first, id);
      await client.quit();
      first.kill('SIGKILL');
      expect(await first.ended).toBe('SIGKILL');
      const third = await machine();
      expect(await trainer.ended, trainer.said()).toBe(0);
      for (const worker of [second, third]) worker.kill('SIGTERM');
      for (const worker of [second, third]) expect(await worker.ended, worker.said()).toBe(0);
      const killed = await outcomeOf('killed', 'tiny');
      expect(stopped).toBe(true);
      expect(killed.tensors).toEqual(alone.tensors);
      expect(killed.losses).toEqual(alone.losses);
    },
  );
});

describe.runIf(hasRedis)('a run whose Redis is killed', { timeout: 900_000 }, () => {
  it(
    'goes on alone while Redis is away, and with the others when it is back and empty',
    { tags: ['slow'] },
    async () => {
      await writeImages(root('images'), tinyImages);
      const long = await writeTinyRun(root('long.yaml'), {
        ...{ name: 'long', images: root('images'), iterations: 25 },
      });
      const single = await run('train', ['--config', long, '--runs', root('alone')]);
      const own = await startRedis();
      const worker = await run('train-worker', [own.url, '--threads', '1', '--once']);
      const options = ['--config', long, '--runs', root('restarted'), '--cluster', own.url, '--await', '1'];
      const trainer = await run('train', options);
      const done = async (): Promise<Awaited<ReturnType<typeof outcomeOf>>['cluster']> =>
        readFile(root('restarted', 'long', 'metrics.jsonl'), 'utf8').then(
          (text) =>
            text
              .split('\n')
              .slice(0, -1)
              .flatMap((line) => (JSON.parse(line) as IterationMetrics).cluster ?? []),
          () => [],
        );
      const until = async (enough: (lines: Awaited<ReturnType<typeof done>>) => boolean): Promise<void> => {
        while (!enough(await done())) await pause(100);
      };
      await until((lines) => lines.some(({ away }) => away > 0));
      await own.stop();
      const { length } = await done();
      await until((lines) => lines.length > length + 3); // alone
      await startRedis({ port: own.port }).then((again) => begunRedis.push(again));
      expect(await trainer.ended, trainer.said()).toBe(0);
      expect(await worker.ended, worker.said()).toBe(0);
      expect(await single.ended, single.said()).toBe(0);
      const [whole, restarted] = [await outcomeOf('alone', 'long'), await outcomeOf('restarted', 'long')];
      expect(restarted.tensors).toEqual(whole.tensors);
      expect(restarted.cluster.slice(length + 3).some(({ away }) => away > 0)).toBe(true);
    },
  );
});

/** Stops a machine while it computes a part: the lock of a job is its own. */
async function stopWithinPart(client: Client, worker: Command, id: string): Promise<boolean> {
  for (let tries = 0; tries < 400; tries++) {
    worker.kill('SIGSTOP');
    await pause(20); // what was on its way arrives
    for (const key of await client.keys('m-nas-train:*:active'))
      for (const job of await client.lrange(key, 0, -1)) {
        const owner = await client.hget(key.replace(/active$/, job), 'pb');
        if (owner === id) return true;
      }
    worker.kill('SIGCONT');
    await pause(30);
  }
  return false;
}
