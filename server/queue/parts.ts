import { deserialize, serialize } from 'node:v8';
import type { Redis } from 'ioredis';
import type { Link } from './link.ts';

/** Of a value: a slow link carries one within the time that a command has, and none holds Redis up. */
const PART_BYTES = 1024 * 1024;
/** The field that is written last and tells how many parts there are. */
const COUNT = 'count';

/**
 * Keeps a value, typed arrays in it, under a name for so many seconds.
 * @throws ServiceError `queue-unavailable`
 */
export async function putParts(link: Link, name: string, value: unknown, seconds: number): Promise<void> {
  const bytes = serialize(value);
  const count = Math.ceil(bytes.length / PART_BYTES);
  for (let part = 0; part < count; part++) {
    const content = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
    await link.ask((client) => client.multi().hset(name, String(part), content).expire(name, seconds).exec());
  }
  await link.ask((client) => client.hset(name, COUNT, count));
}

/** The value under a name; undefined where there is none, or not the whole. */
export async function getParts(client: Redis, name: string): Promise<unknown> {
  const count = await client.hget(name, COUNT);
  if (count === null) return undefined;
  const parts: Buffer[] = [];
  for (let part = 0; part < Number(count); part++) {
    const content = await client.hgetBuffer(name, String(part));
    if (content === null) return undefined;
    parts.push(content);
  }
  return deserialize(Buffer.concat(parts));
}
