import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './free-port.ts';

/** Whether a Redis server can be started here. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface Redis {
  readonly url: string;
  readonly port: number;
  /** at once, as `kill -9` does */
  readonly stop: () => Promise<void>;
}

export interface RedisPlan {
  /** a free one when absent */
  readonly port?: number;
  /** where it keeps an append-only file, flushed before each answer; nothing is kept when absent */
  readonly folder?: string;
  /** the address that it listens on; this machine's own when absent */
  readonly bind?: string;
}

/** A server of its own. */
export async function startRedis({
  port: given,
  folder,
  bind = '127.0.0.1',
}: RedisPlan = {}): Promise<Redis> {
  const port = given ?? (await freePort());
  const kept =
    folder === undefined ? [] : ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'];
  const options = ['--port', `${port}`, '--bind', bind, '--save', '', '--requirepass', 'pass', ...kept];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  while (!output.includes('Ready to accept connections')) await once(child.stdout, 'data');
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url: `redis://:pass@127.0.0.1:${port}`, port, stop };
}
