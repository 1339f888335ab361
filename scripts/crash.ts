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

/** Tasks by id with the SHA-256 of their models, as the service has acknowledged them. */
interface Ledger {
  readonly kept: Map<string, string>;
  readonly removed: Set<string>;
}

/**
 * Kills the service again and again while clients make and remove regression tasks, and looks after every kill whether
 * each acknowledged task is there whole, each removed one is not, and no half one is.
 * @throws Error that names the task at fault
 */
export async function crashUnderLoad(plan: CrashPlan): Promise<CrashResult> {
  const ledger: Ledger = { kept: new Map(), removed: new Set() };
  let unannounced = 0;
  for (let kill = 0; kill <= plan.kills; kill++) {
    const running = await startService(plan);
    try {
      unannounced = await verify(plan.folder, running.url, ledger);
      if (kill < plan.kills) await loadAndKill(plan, kill, running, ledger);
    } finally {
      if (running.child.exitCode === null) running.child.kill('SIGKILL');
    }
  }
  return {
    kills: plan.kills,
    acknowledged: ledger.kept.size + ledger.removed.size,
    removed: ledger.removed.size,
    unannounced,
  };
}

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
async function verify(folder: string, url: string, { kept, removed }: Ledger): Promise<number> {
  for (const [id, sha256] of kept)
    if ((await modelHash(url, id)) !== sha256)
      throw new Error(`the acknowledged task ${id} is not there whole`);
  for (const id of removed)
    if ((await modelHash(url, id)) !== undefined) throw new Error(`the removed task ${id} is there again`);
  const stored = await readdir(join(folder, 'tasks'));
  for (const id of stored)
    if ((await modelHash(url, id)) === undefined) throw new Error(`the task ${id} is there by half`);
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
