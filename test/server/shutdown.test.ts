import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { parseConfiguration } from '../../server/configuration.ts';
import { startService } from '../../server/service.ts';
import { temporaryFolder } from './support/harness.ts';
import { smallDefault } from './support/small-default.ts';

const patience = { timeout: 60_000, interval: 20 };

test(
  'a task that is acknowledged while the service drains is made before it ends',
  { timeout: 120_000, tags: ['whole'] },
  async () => {
    const folder = await temporaryFolder();
    const configuration = parseConfiguration({
      PORT: '0',
      MNAS_DATA_DIR: folder,
      MNAS_WORKERS: '1',
      MNAS_DRAIN_SECONDS: '100',
      ...(await smallDefault()),
    });
    const service = await startService(configuration, pino({ level: 'silent' }));
    const { hostname, port } = new URL(service.url);
    const begin = async (y: number) => {
      const body = JSON.stringify({ support: [[0, y]] });
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      const head = ['POST /v1/tasks HTTP/1.1', 'Host: x', 'Prefer: respond-async'];
      head.push('Content-Type: application/json', `Content-Length: ${body.length}`);
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      return { socket, body };
    };
    const posts = [await begin(1), await begin(2), await begin(3)];
    const inFlight = async () => {
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      return Number(/^mnas_http_requests_in_flight (\d+)$/m.exec(metrics)?.[1]);
    };
    await vi.waitFor(async () => expect(await inFlight()).toBeGreaterThanOrEqual(posts.length), patience);
    const stopped = service.stop();
    await vi.waitFor(() => expect(fetch(`${service.url}/healthz`)).rejects.toThrow(), patience);
    for (const { socket, body } of posts) {
      socket.write(body);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString().split('\r\n')[0]).toContain(' 202 ');
    }
    await stopped;
    expect((await readdir(join(folder, 'tasks'))).length).toBe(posts.length);
  },
);
