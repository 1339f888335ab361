import { Queue } from 'bullmq';
import { Redis as Client } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JobData, JobReturn } from '../../../server/queue/job.ts';
import { names, PREFIX, QUEUE } from '../../../server/queue/names.ts';
import { advance, enter, leave, priorityAt, rebase, unitsOf } from '../../../server/queue/shares.ts';
import { hasRedis, startRedis } from '../../../bench/serve/redis.ts';

const UNIT = 1e9;

async function server(): Promise<Client> {
  const redis = await startRedis();
  const client = new Client(redis.url, { maxRetriesPerRequest: null });
  onTestFinished(async () => {
    client.disconnect();
    await redis.stop();
  });
  return client;
}

test('costs are whole units from 1, priorities those that BullMQ takes', () => {
  expect([0, 1, UNIT, UNIT + 1, 12.2 * UNIT].map(unitsOf)).toEqual([1, 1, 1, 2, 13]);
  expect([0, 7, 1e12].map(priorityAt)).toEqual([1, 8, 2 ** 21]);
});

describe.skipIf(!hasRedis)('shares of a queue in Redis (needs redis-server)', () => {
  test('clients take turns by cost, whatever each has waiting, and one that was away has no credit', async () => {
    const client = await server();
    const jobs: { readonly who: string; readonly priority: number }[] = [];
    const ask = async (who: string, cost: number) =>
      jobs.push({ who, priority: await enter(client, who, cost * UNIT) });
    for (let i = 0; i < 6; i++) await ask('greedy', 2);
    await ask('modest', 2);
    await ask('modest', 2);
    await ask('costly', 8);
    await ask('costly', 1);
    const served = () => {
      jobs.sort((a, b) => a.priority - b.priority); // as BullMQ does: those of one priority as they came
      return jobs.shift()!;
    };
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { who, priority } = served();
      await advance(client, priority);
      order.push(who);
    }
    expect(order).toEqual(['greedy', 'modest', 'costly', 'greedy', 'modest']);
    await ask('late', 2); // begins where the others are, not where they began
    const rest: string[] = [];
    while (jobs.length > 0) rest.push(served().who);
    expect(rest).toEqual(['late', 'greedy', 'greedy', 'greedy', 'costly', 'greedy']);
  });

  test('what never began is given back', async () => {
    const client = await server();
    await enter(client, 'one', 5 * UNIT);
    await leave(client, 'one', 5 * UNIT);
    expect(await enter(client, 'one', UNIT)).toBe(1);
    await leave(client, 'nobody', UNIT);
    expect(await client.zscore(names.shares, 'nobody')).toBeNull();
  });

  test('long before priorities run out they are counted anew, in the same order', async () => {
    const client = await server();
    const queue = new Queue<JobData, JobReturn>(QUEUE, { connection: client, prefix: PREFIX });
    const add = async (id: string, who: string, cost: number) =>
      queue.add('images', { id } as JobData, {
        jobId: id,
        priority: await enter(client, who, cost * UNIT),
      });
    await add('a-0', 'a', 1000);
    await add('a-1', 'a', 1000);
    await add('a-2', 'a', 10);
    await advance(client, 1001);
    await add('b-0', 'b', 1);
    await add('b-1', 'b', 1);
    const waiting = async () => (await queue.getPrioritized()).map(({ id, priority }) => [id, priority]);
    const before = await waiting();
    await rebase(client, queue);
    expect(await waiting()).toEqual(before);
    await rebase(client, queue, 1000);
    expect(await waiting()).toEqual([
      ['a-0', 1],
      ['a-1', 1],
      ['b-0', 1],
      ['b-1', 2],
      ['a-2', 1001],
    ]);
    expect(await client.get(names.now)).toBe('0');
    expect(await enter(client, 'c', UNIT)).toBe(1);
    await queue.close();
  });
});
