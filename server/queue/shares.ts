import type { Redis } from 'ioredis';
import { names } from './names.ts';
import type { WorkQueue } from './job.ts';

/** Multiply-adds that count as one: a tenth of a second of one core. */
const UNIT = 1e9;
/** BullMQ's last priority; the first that counts is 1. */
const LAST_PRIORITY = 2 ** 21;
/** From which on all priorities are counted anew, long before the last one. */
const REBASE_FROM = 2 ** 20;

/**
 * Start-time fair queueing, as `engine/fair-queue.ts` has it in one process: a job's priority is what its client was given
 * before it, and a client that was away begins where the others are.
 */
const ENTER = `
local now = tonumber(redis.call('GET', KEYS[2]) or '0')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local start = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or now)
redis.call('ZADD', KEYS[1], start + ARGV[2], ARGV[1])
return start`;
const LEAVE = `
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then redis.call('ZINCRBY', KEYS[1], -ARGV[2], ARGV[1]) end`;
const ADVANCE = `
local now = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) > now then redis.call('SET', KEYS[1], ARGV[1]) end`;
const REBASE = `
local now = tonumber(redis.call('GET', KEYS[2]) or '0')
if now < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], 0)
local all = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, client in ipairs(all) do redis.call('ZINCRBY', KEYS[1], -now, client) end
return now`;

/** A cost in units, a whole number from 1. */
export const unitsOf = (cost: number): number => Math.max(1, Math.ceil(cost / UNIT));

/** The priority of a job that begins at so much virtual time, and the time of a priority. */
export const priorityAt = (start: number): number => Math.min(start + 1, LAST_PRIORITY);
const startOf = (priority: number): number => Math.max(0, priority - 1);

/** A further job of a client. Resolves to its priority: the lowest comes first. */
export async function enter(client: Redis, who: string, cost: number): Promise<number> {
  const start = await client.eval(ENTER, 2, names.shares, names.now, who, unitsOf(cost));
  return priorityAt(Number(start));
}

/** Gives back what a job took that never began. */
export async function leave(client: Redis, who: string, cost: number): Promise<void> {
  await client.eval(LEAVE, 1, names.shares, who, unitsOf(cost));
}

/** A job of this priority has begun: that is what time it is. */
export async function advance(client: Redis, priority: number): Promise<void> {
  await client.eval(ADVANCE, 1, names.now, startOf(priority));
}

/**
 * Counts all priorities from 0 again, where time has come far: BullMQ has two million of them. Only the order matters, so
 * that a job which enters meanwhile is at most early.
 */
export async function rebase(client: Redis, queue: WorkQueue, from = REBASE_FROM): Promise<void> {
  const passed = Number(await client.eval(REBASE, 2, names.shares, names.now, from));
  if (passed === 0) return;
  for (const job of await queue.getPrioritized())
    await job.changePriority({ priority: priorityAt(Math.max(0, startOf(job.priority) - passed)) });
}
