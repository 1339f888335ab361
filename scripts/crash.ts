import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startService } from '../bench/serve/start.ts';
import type { StartedService, StartPlan } from '../bench/serve/start.ts';
import { fold, keyFrom, uniform } from '../model/random.ts';

export interface CrashPlan extends StartPlan {
  /** how often the service is killed */
  readonly kills: number;
  /** clients that make and remove tasks at the same time */
  readonly clients: number;
  /** tasks that are acknowledged before a kill: 1 to this many */
  readonly most: number;
  readonly seed: number;
  /** is told after every kill but the last what holds so far */
  readonly tell?: (soFar: CrashResult & CrashTimes) => void;
}

/** What a kill took, seconds. */
export interface CrashTimes {
  readonly startSeconds: number;
  readonly verifySeconds: number;
}

export interface CrashResult {
  readonly kills: number;
  /** tasks that were acknowledged and had to be there after every later kill */
  readonly acknowledged: number;
  /** tasks whose removal was acknowledged and that had to stay away */
  readonly removed: number;
  /** whole tasks that nobody had been told of */
  readonly unannounced: number;
}

/** Tasks by id, as the service has acknowledged them. */
interface Ledger {
  /** SHA-256 of their models */
  readonly kept: Map<string, string>;
  readonly removed: Set<string>;
  /** those that were looked at after a kill, and were as they must be */
  readonly seen: Set<string>;
}

/** Tasks that are asked for at a time. */
const looks = 8;

/**
 * Kills the service again and again while clients make and remove regression tasks. After every kill each acknowledged task
 * has to be there, each removed one not. What has come since the kill before is looked at whole, and at the end all of it.
 * @throws Error that names the task at fault
 */
export async function crashUnderLoad(plan: CrashPlan): Promise<CrashResult> {
  const ledger: Ledger = { kept: new Map(), removed: new Set(), seen: new Set() };
  for (let kill = 0; ; kill++) {
    const begun = performance.now();
    const running = await startService(plan);
    const started = performance.now();
    try {
      const isLast = kill === plan.kills;
      if (isLast) ledger.seen.clear();
      const unannounced = await verify(plan.folder, running.url, ledger);
      const soFar = {
        kills: kill,
        acknowledged: ledger.kept.size + ledger.removed.size,
        removed: ledger.removed.size,
        unannounced,
      };
      if (isLast) return soFar;
      const [startSeconds, verifySeconds] = [started - begun, performance.now() - started].map(seconds);
      if (kill > 0) plan.tell?.({ ...soFar, startSeconds: startSeconds!, verifySeconds: verifySeconds! });
      await loadAndKill(plan, kill, running, ledger);
    } finally {
      if (running.child.exitCode === null) running.child.kill('SIGKILL');
    }
  }
}

/** Of milliseconds, to a tenth. */
const seconds = (ms: number): number => Math.round(ms / 100) / 10;

/** Makes tasks until the kill, which comes when enough are acknowledged and a random moment has passed. */
async function loadAndKill(
  plan: CrashPlan,
  round: number,
  { child, url }: StartedService,
  ledger: Ledger,
): Promise<void> {
  const [share = 0, moment = 0] = uniform(fold(keyFrom(plan.seed), round), 2);
  const acknowledged = () => ledger.kept.size + ledger.removed.size;
  const enough = acknowledged() + 1 + Math.floor(share * plan.most);
  const exited = once(child, 'exit');
  const gone = new AbortController();
  const client = async (number: number) => {
    for (let task = 0; !gone.signal.aborted; task++) {
      const key = fold(keyFrom(plan.seed), round, number, task);
      const id = await make(url, Array.from(uniform(key, 8)), ledger);
      if (id !== undefined && task % 3 === 2) await remove(url, id, ledger);
    }
  };
  const clients = Array.from({ length: plan.clients }, (_, number) => client(number));
  const load = Promise.allSettled(clients); // what a client meets after the kill is no fault of the service
  while (acknowledged() < enough && child.exitCode === null) await setTimeout(1);
  await setTimeout(moment * 40);
  child.kill('SIGKILL');
  gone.abort();
  await exited;
  await load;
}

async function make(url: string, numbers: readonly number[], ledger: Ledger): Promise<string | undefined> {
  const support = [0, 1, 2, 3].map((point) => [4 * numbers[2 * point]! - 2, numbers[2 * point + 1]!]);
  const answer = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ support }),
  });
  if (answer.status !== 201) return undefined;
  const { id, model } = (await answer.json()) as { id: string; model: { sha256: string } };
  ledger.kept.set(id, model.sha256);
  return id;
}

async function remove(url: string, id: string, ledger: Ledger): Promise<void> {
  ledger.kept.delete(id); // from now on either is right, until the answer
  const answer = await fetch(`${url}/v1/tasks/${id}`, { method: 'DELETE' });
  if (answer.status === 204) ledger.removed.add(id);
}

/** Returns how many whole tasks are there that are not in the ledger. */
async function verify(folder: string, url: string, { kept, removed, seen }: Ledger): Promise<number> {
  const stored = await readdir(join(folder, 'tasks'));
  const there = new Set(stored);
  for (const id of kept.keys())
    if (!there.has(id)) throw new Error(`the acknowledged task ${id} is not there`);
  for (const id of removed) if (there.has(id)) throw new Error(`the removed task ${id} is there again`);
  const unseen = [...stored, ...removed].filter((id) => !seen.has(id));
  for (let first = 0; first < unseen.length; first += looks)
    await Promise.all(
      unseen.slice(first, first + looks).map(async (id) => {
        const hash = await modelHash(url, id);
        if (removed.has(id) && hash !== undefined) throw new Error(`the removed task ${id} is found`);
        if (there.has(id) && hash === undefined) throw new Error(`the task ${id} is there by half`);
        if (kept.has(id) && hash !== kept.get(id)) throw new Error(`the task ${id} is another one`);
        seen.add(id);
      }),
    );
  const drafts = await readdir(join(folder, 'temporary'));
  if (drafts.length > 0) throw new Error(`drafts are left: ${drafts.join(', ')}`);
  return stored.filter((id) => !kept.has(id)).length;
}

/** SHA-256 of the model of a task that describes itself as having it; undefined when there is no such task. */
async function modelHash(url: string, id: string): Promise<string | undefined> {
  const described = await fetch(`${url}/v1/tasks/${id}`);
  if (described.status === 404) return undefined;
  const { model } = (await described.json()) as { model: { sha256: string } };
  const file = await fetch(`${url}/v1/tasks/${id}/model`);
  const hash = createHash('sha256')
    .update(Buffer.from(await file.arrayBuffer()))
    .digest('hex');
  if (hash !== model.sha256) throw new Error(`the model of ${id} has another hash than its description`);
  return hash;
}
