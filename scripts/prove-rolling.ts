import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { startService } from '../bench/serve/start.ts';
import type { StartedService } from '../bench/serve/start.ts';

/**
 * Replaces three replicas one after another, behind a balancer that asks `/readyz`, while clients ask for predictions.
 * Prints how many requests there were, how many failed and how long the slowest took; exits with 1 where one failed.
 */
const program = new Command('prove-rolling')
  .option('--rate <n>', 'requests a second', Number, 5)
  .option('--workers <n>', 'of each replica', Number, 1)
  .option('--probe <seconds>', 'how often the balancer asks whether a replica is ready', Number, 2)
  .parse();
const { rate, workers, probe } = program.opts<{ rate: number; workers: number; probe: number }>();

/** The same task in every replica, each with a disk of its own: ids follow from content. */
const support = { support: [0, 1, 2, 3].map((x) => [x, Math.sin(x)]) };

interface Replica extends StartedService {
  readonly folder: string;
  /** as the balancer last heard */
  ready: boolean;
}

/** What a proxy keeps open to its replicas: idle connections for 60 seconds, as nginx does. */
const connections = new Agent({ keepAlive: true, timeout: 60_000 });

/** The status of an answer; undefined where there was none. */
async function ask(url: string, body?: object): Promise<{ status: number; text: string } | undefined> {
  const text = body && JSON.stringify(body);
  const asked = request(url, {
    agent: connections,
    method: text === undefined ? 'GET' : 'POST',
    headers: text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': text.length },
  });
  asked.end(text);
  try {
    const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode, text: Buffer.concat(chunks).toString() };
  } catch {
    return undefined;
  }
}

async function startReplica(replicas: Set<Replica>): Promise<Replica> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-rolling-'));
  const environment = { MNAS_LOG_LEVEL: 'error', MNAS_WORKERS: String(workers) };
  const replica: Replica = { ...(await startService({ folder, environment })), folder, ready: false };
  while ((await ask(`${replica.url}/readyz`))?.status !== 200) await wait(200);
  await ask(`${replica.url}/v1/tasks`, support);
  replicas.add(replica);
  return replica;
}

async function stopReplica(replicas: Set<Replica>, replica: Replica): Promise<void> {
  const exited = once(replica.child, 'exit');
  replica.child.kill('SIGTERM');
  await exited;
  replicas.delete(replica);
  await rm(replica.folder, { recursive: true, force: true });
}

/** Asks every replica now and then whether it is ready. */
async function balance(replicas: Set<Replica>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    for (const replica of replicas) replica.ready = (await ask(`${replica.url}/readyz`))?.status === 200;
    await wait(probe * 1000);
  }
}

/** Sends predictions at the rate, to ready replicas in turn. Returns how long each took in milliseconds, and the failures. */
async function load(replicas: Set<Replica>, id: string, over: AbortSignal) {
  const [times, failures]: [number[], string[]] = [[], []];
  const running: Promise<void>[] = [];
  const predict = async ({ url }: Replica) => {
    const startedAt = performance.now();
    const answer = await ask(`${url}/v1/tasks/${id}/predictions`, { x: [0.5, 1.5] });
    times.push(performance.now() - startedAt);
    if (answer?.status !== 200) failures.push(answer?.text ?? 'no answer');
  };
  for (let sent = 0; !over.aborted; sent++) {
    const ready = [...replicas].filter((replica) => replica.ready);
    running.push(predict(ready[sent % ready.length]!));
    await wait(1000 / rate);
  }
  await Promise.all(running);
  return { times, failures };
}

const replicas = new Set<Replica>();
const over = new AbortController();
try {
  for (let number = 0; number < 3; number++) await startReplica(replicas);
  const [first] = replicas;
  const { id } = JSON.parse((await ask(`${first!.url}/v1/tasks`, support))!.text) as { id: string };
  const balancing = balance(replicas, over.signal);
  while ([...replicas].some(({ ready }) => !ready)) await wait(100);
  const loading = load(replicas, id, over.signal);
  for (const old of [...replicas]) {
    await startReplica(replicas);
    await stopReplica(replicas, old);
  }
  over.abort();
  await balancing;
  const { times, failures } = await loading;
  const slowestMs = Math.round(Math.max(...times));
  process.stdout.write(`${JSON.stringify({ requests: times.length, failed: failures.length, slowestMs })}\n`);
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  process.exitCode = failures.length > 0 ? 1 : 0;
} finally {
  over.abort();
  for (const replica of [...replicas]) await stopReplica(replicas, replica);
  connections.destroy();
}
