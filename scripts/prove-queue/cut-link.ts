import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { closeNamespace, ip, openNamespace } from '../../bench/serve/namespace.ts';
import { leaseMs } from '../../server/queue/names.ts';
import { ask, hasState, idOf, largeTask, later, must, patience, until } from './client.ts';
import { imagesFor, patienceFor } from './pace.ts';
import { jobLines, watched } from './stage.ts';
import type { Member, Stage } from './stage.ts';
import { taken, whole } from './trials.ts';
import type { Trial } from './trials.ts';

/** Of the pair of interfaces; a network that nobody else here has. */
const [hostAddress, guestAddress] = ['10.213.77.1', '10.213.77.2'];
const suffix = process.pid % 10_000;
const [space, near, far] = [`mnas${suffix}`, `mnash${suffix}`, `mnasg${suffix}`];
const namespace = { space, near, nearAddress: hostAddress, far, farAddress: guestAddress };
const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

/** Whether network namespaces can be made here: by root, with iproute2. */
export function canCut(): boolean {
  const made = spawnSync('ip', ['netns', 'add', space]).status === 0;
  if (made) ip('netns', 'delete', space);
  return made;
}

/** A member of the stage behind a link of its own. It listens in its namespace, on the far end and on its own `lo`. */
async function startBehind(stage: Stage, role: readonly string[]): Promise<Member> {
  closeNamespace(namespace);
  openNamespace(namespace);
  const child = spawn('ip', ['netns', 'exec', space, process.execPath, '--import', 'tsx', main, ...role], {
    env: { ...stage.environment(hostAddress), PATH: process.env['PATH'], HOST: '0.0.0.0', PORT: '8080' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const member = watched({ child, url: `http://${guestAddress}:8080` });
  try {
    await stage.untilReady(member);
    return member;
  } catch (error) {
    await member.kill();
    closeNamespace(namespace);
    throw error;
  }
}

/** From within the namespace, where the cut link is not in the way: milliseconds and status of one post. */
async function askWithin(path: string): Promise<{ readonly status: number; readonly ms: number }> {
  const program = `
    const body = JSON.stringify({ support: [[0, 1], [1, 2], [2, 7]] });
    const headers = { 'Content-Type': 'application/json' };
    await fetch('http://127.0.0.1:8080/healthz'); // whose client is loaded by that
    const begun = performance.now();
    const { status } = await fetch('http://127.0.0.1:8080${path}', { method: 'POST', headers, body });
    console.log(JSON.stringify({ status, ms: performance.now() - begun }));`;
  const child = spawn(
    'ip',
    ['netns', 'exec', space, process.execPath, '--input-type=module', '-e', program],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'exit');
  return JSON.parse(text) as { status: number; ms: number };
}

/** Of the job whose worker is cut off: it has to last longer than its lease. */
const jobSeconds = (3 * leaseMs) / 1000;

/** A worker whose link is cut stops by itself before another one begins with its job, and works on when the link is back. */
export const cutWorker: Trial = async (stage) => {
  // the only worker at first, so that the job is its
  const others = stage.workers.splice(0);
  for (const other of others) await other.kill();
  const cut = await startBehind(stage, ['worker']);
  try {
    const replica = stage.replicas[0]!;
    // suspended until the cut, so that the job is not its own
    const other = await stage.start('worker');
    other.child.kill('SIGSTOP');
    const images = imagesFor(stage.pace, jobSeconds);
    const id = idOf(await ask(`${replica.url}/v1/tasks`, later(await largeTask(30, images))));
    const end = Date.now() + 1000 * patience(0);
    while (taken([cut], id) === 0) {
      must(Date.now() < end, 'the worker takes no job');
      await wait(20);
    }
    ip('link', 'set', near, 'down');
    other.child.kill('SIGCONT');
    const cutAt = Date.now();
    const seconds = patienceFor(stage.pace, images);
    await until(`${replica.url}/v1/tasks/${id}/progress`, hasState('ready', 'failed'), seconds);
    const [again] = jobLines(other, 'job taken').filter(({ job }) => job === `task-${id}`);
    const [stopped] = jobLines(cut, 'job stopped');
    must(stopped !== undefined, 'the job ended before its lease: it was too small for this machine');
    must(again !== undefined, 'the job was not passed on');
    must(stopped.time <= again.time, 'two workers had the job at the same time');
    must((await ask(`${replica.url}/v1/tasks/${id}`)).status === 200, 'the task is not there');
    ip('link', 'set', near, 'up');
    await other.kill();
    stage.workers.splice(stage.workers.indexOf(other), 1);
    const next = idOf(await ask(`${replica.url}/v1/tasks`, later(await largeTask(31))));
    await until(`${replica.url}/v1/tasks/${next}/progress`, hasState('ready'), patienceFor(stage.pace, 100));
    return {
      stoppedAfterMs: stopped.time - cutAt,
      takenUpAgainAfterMs: again.time - cutAt,
      atTheSameTime: 0,
    };
  } finally {
    await cut.kill();
    closeNamespace(namespace);
  }
};

/** A replica whose link to Redis is cut refuses work within a second, and takes it on when the link is back. */
export const cutReplica: Trial = async (stage) => {
  if (stage.workers.length === 0) await stage.start('worker');
  const cut = await startBehind(stage, []);
  try {
    ip('link', 'set', near, 'down');
    const refused = await askWithin('/v1/tasks');
    must(refused.status === 503, `${refused.status} instead of 503`);
    must(refused.ms < 1000, `the refusal took ${whole(refused.ms)} ms`);
    ip('link', 'set', near, 'up');
    const [begun, seconds] = [performance.now(), patience(stage.pace.small)];
    for (;;) {
      const { status } = await askWithin('/v1/tasks');
      if (status === 201 || status === 200) break;
      must(performance.now() - begun < 1000 * seconds, `still ${status} long after the link is back`);
      await wait(500);
    }
    const backAfterSeconds = whole((performance.now() - begun) / 1000);
    return { refusedAfterMs: whole(refused.ms), workAgainAfterSeconds: backAfterSeconds };
  } finally {
    await cut.kill();
    closeNamespace(namespace);
  }
};
