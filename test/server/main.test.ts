import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleScript } from '../../engine/bundle.ts';
import { temporaryFolder } from './support/harness.ts';
import { smallDefault } from './support/small-default.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The URL that the child prints once it is ready. */
async function announced({ child, output }: Awaited<ReturnType<typeof start>>): Promise<string> {
  const url = () => /"msg":"M-NAS listens on (http:[^"]+)"/.exec(output.text)?.[1];
  while (url() === undefined && child.exitCode === null)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  const found = url();
  if (found === undefined) throw new Error(output.errors);
  return found;
}

/** The service itself, in one file, or with `npm` what `npm start` runs. */
async function start(
  environment: Readonly<Record<string, string>>,
  npm = false,
  role: readonly string[] = [],
) {
  const command = npm ? 'server/start.mjs' : await bundleScript(join(root, 'server/main.ts'));
  const child = spawn(process.execPath, [command, ...role], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
  });
  const output = { text: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.errors += chunk.toString()));
  return { child, output };
}

describe('server/main.ts', () => {
  test('prints its configuration and its URL when ready, serves, and ends with 0 on SIGTERM, by npm start', async () => {
    const environment = {
      PORT: '0',
      MNAS_WORKERS: '1',
      MNAS_DATA_DIR: await temporaryFolder(),
      MNAS_NOTICE_SECONDS: '2',
      ...(await smallDefault()),
    };
    const running = await start(environment, true);
    const { child, output } = running;
    try {
      const exited = once(child, 'exit');
      const url = await announced(running);
      expect(output.text).toContain('"MNAS_WORKERS":1');
      expect(output.text).not.toContain('MALLOC_MMAP_THRESHOLD_'); // it is set
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      const listed = (await (await fetch(`${url}/v1/checkpoints`)).json()) as { checkpoints: unknown[] };
      expect(listed.checkpoints.length).toBeGreaterThan(0);
      while ((await fetch(`${url}/readyz`)).status !== 200) await setTimeout(100);
      // nothing is compiled any more, so that no request waits for it
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^mnas_workers_busy 0$/m);
      child.kill('SIGTERM');
      while ((await fetch(`${url}/readyz`)).status !== 503) await setTimeout(20); // for MNAS_NOTICE_SECONDS
      expect(await exited).toEqual([0, null]);
      for (const line of output.text.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
    } finally {
      child.kill('SIGKILL');
    }
  });

  test(
    'a second signal kills it, also when it is the other one, while a worker runs; the echo of the first does not',
    { tags: ['whole'] },
    async () => {
      const running = await start({
        PORT: '0',
        MNAS_WORKERS: '1',
        MNAS_DATA_DIR: await temporaryFolder(),
        MNAS_DRAIN_SECONDS: '20',
      });
      const { child, output } = running;
      try {
        const exited = once(child, 'exit');
        const { hostname, port } = new URL(await announced(running));
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined); // the connection is cut in the end
        socket.write('POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n'); // a request that never ends
        await once(socket, 'connect');
        child.kill('SIGINT'); // the workers still compile what usual requests ask of them
        while (!output.text.includes('"draining"')) await once(child.stdout, 'data');
        child.kill('SIGINT'); // as npm passes a Ctrl-C on
        await setTimeout(1100);
        expect(child.exitCode ?? child.signalCode).toBeNull();
        child.kill('SIGTERM');
        expect(await exited).toEqual([null, 'SIGKILL']);
        expect(output.errors).toBe('');
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  test('a signal while it starts ends it with 0', { tags: ['whole'] }, async () => {
    const { child, output } = await start({
      PORT: '0',
      MNAS_WORKERS: '1',
      MNAS_DATA_DIR: await temporaryFolder(),
      MNAS_NOTICE_SECONDS: '0',
      ...(await smallDefault()),
    });
    try {
      const exited = once(child, 'exit');
      while (!output.text.includes('"configuration"')) await once(child.stdout, 'data');
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      expect(output.errors).toBe('');
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a wrong environment ends it with 1 and a message that names the variable', async () => {
    const { child, output } = await start({ MNAS_PROVIDER: 'gpu', MNAS_WOKRERS: '2' });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(output.errors).toMatch(/^Invalid environment: .*MNAS_WOKRERS.*MNAS_PROVIDER.*\n$/);
  });

  test.each([
    [['worker'], /^MNAS_QUEUE: a worker needs the queue .*\n$/],
    [['wroker'], /^npm start takes no argument, or "-- worker"; "wroker" is unknown\n$/],
    [['worker', 'worker'], /^npm start takes no argument, or "-- worker"; .*\n$/],
  ])('%j without a queue ends it with 1 and one line', async (role, message) => {
    const { child, output } = await start({ MNAS_LOG_LEVEL: 'silent' }, false, role);
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(output.errors).toMatch(message);
  });

  test('a port that is taken ends it with 1 and one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const { child, output } = await start({
      PORT: String(port),
      MNAS_WORKERS: '1',
      MNAS_DATA_DIR: await temporaryFolder(),
      ...(await smallDefault()),
    });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(output.errors).toMatch(new RegExp(`^HOST, PORT: cannot listen there .*EADDRINUSE.*${port}.*\n$`));
  });

  test('a folder of checkpoints that is not there ends it with 1 and one line that names the variable', async () => {
    const { child, output } = await start({ MNAS_CHECKPOINTS: '/nowhere', MNAS_LOG_LEVEL: 'silent' });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(output.errors).toMatch(/^MNAS_CHECKPOINTS: .*\/nowhere.*\n$/);
  });
});
