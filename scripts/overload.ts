import { setTimeout } from 'node:timers/promises';
import { timesOf } from '../bench/serve/load.ts';
import type { Times } from '../bench/serve/load.ts';
import { formOf, photo } from '../bench/serve/photos.ts';
import type { Body } from '../bench/serve/photos.ts';
import { startOwnService, watchHealth } from '../bench/serve/process.ts';
import type { Health, OwnService } from '../bench/serve/process.ts';

export interface OverloadPlan {
  /** tasks of 20 ways and 50 steps that one client posts at once, without waiting for them */
  readonly posts: number;
  /** images of each class of them */
  readonly shots: number;
  /** predictions a second that another client asks for, whether the last ones are answered or not */
  readonly rate: number;
  /** seconds that it does so, alone and beside the flood each */
  readonly seconds: number;
}

/** Predictions as their client sees them. */
export interface Predictions extends Times {
  /** of all that were asked for, how many were answered with 200: 0 to 1 */
  readonly answered: number;
}

export interface OverloadResult {
  readonly plan: OverloadPlan;
  /** answers to the flood by status */
  readonly flood: Readonly<Record<string, number>>;
  /** seconds of the `Retry-After` of those that were refused, the least and the most */
  readonly retryAfter: readonly number[];
  /** before the flood, beside it, and after it */
  readonly alone: Predictions;
  readonly beside: Predictions;
  readonly after: Predictions;
  /** ms of a task of 5 ways of a third client, beside the flood */
  readonly task: number;
  /** the flood's tasks that were not ready after that, and were removed */
  readonly removed: number;
  /** seconds from then until no job waited or ran */
  readonly recovery: number;
  readonly memory: Health['memory'];
}

const size = { width: 64, height: 64 };
const floodWays = 20;
/** How long a service may take to come to rest. */
const patienceSeconds = 60;

/** A client of the service behind a proxy, told by its address. */
class Client {
  readonly #url: string;
  readonly #address: string;

  constructor({ url }: OwnService, address: string) {
    this.#url = url;
    this.#address = address;
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), 'X-Forwarded-For': this.#address };
    return fetch(this.#url + path, { ...init, headers });
  }

  post(
    path: string,
    { type, bytes }: Body,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const own = { 'Content-Type': type, ...headers };
    return this.ask(path, { method: 'POST', headers: own, body: Uint8Array.from(bytes) });
  }
}

/** Floods a service of its own from one client while others predict and adapt; see what each of them gets. */
export async function overload(plan: OverloadPlan): Promise<OverloadResult> {
  const service = await startOwnService({ MNAS_TRUST_PROXY: '1' });
  try {
    const [flooding, predicting, adapting] = ['192.0.2.1', '198.51.100.1', '203.0.113.1'].map(
      (address) => new Client(service, address),
    );
    const made = await predicting!.post('/v1/tasks', await taskBody(5, 5, 0));
    const { id } = (await made.json()) as { id: string };
    const asked = await formOf([['images', await photo(0, 100, size)]]);
    const predictions = () =>
      predictAtRate(() => predicting!.post(`/v1/tasks/${id}/predictions`, asked), plan);
    await predictions(); // the model is compiled in every worker
    const bodies: Body[] = [];
    for (let number = 1; number <= plan.posts; number++)
      bodies.push(await taskBody(floodWays, plan.shots, number));
    const stop = watchHealth(service);
    const alone = await predictions();
    const posting = Promise.all(
      bodies.map((body) => flooding!.post('/v1/tasks?steps=50', body, { Prefer: 'respond-async' })),
    );
    await setTimeout(1000);
    const start = performance.now();
    const task = taskBody(5, 5, plan.posts + 1)
      .then((body) => adapting!.post('/v1/tasks', body))
      .then((answer) => expectStatus(answer, 201))
      .then(() => performance.now() - start);
    const beside = await predictions();
    const answers = await posting;
    const taskMs = await task;
    const removed = await removeAll(flooding!, answers);
    const recovery = await untilIdle(service);
    const after = await predictions();
    const { memory } = await stop();
    return { plan, ...floodOf(answers), alone, beside, after, task: taskMs, removed, recovery, memory };
  } finally {
    await service.stop();
  }
}

const photos = new Map<string, Promise<Buffer>>();
/** Numbers of photos that one task alone has. */
const others = 10_000;

/** A photo, made once. */
function keptPhoto(label: number, index: number): Promise<Buffer> {
  const key = `${label} ${index}`;
  const kept = photos.get(key) ?? photo(label, index, size);
  photos.set(key, kept);
  return kept;
}

/** A task of small photos, of which one is another for every number. */
export async function taskBody(ways: number, shots: number, number: number): Promise<Body> {
  const files = Array.from({ length: ways * shots }, async (_, i) => {
    const bytes = await keptPhoto(i % ways, i === 0 ? others + number : i);
    return [`class-${i % ways}`, bytes] as const;
  });
  return formOf(await Promise.all(files));
}

/** Asks at a steady rate for some seconds; a time is from the moment that the request was due. */
async function predictAtRate(
  ask: () => Promise<Response>,
  { rate, seconds }: OverloadPlan,
): Promise<Predictions> {
  const times: number[] = [];
  const start = performance.now();
  const all = Array.from({ length: rate * seconds }, async (_, i) => {
    const due = start + (1000 * i) / rate;
    await setTimeout(Math.max(0, due - performance.now()));
    const answer = await ask();
    await answer.arrayBuffer();
    if (answer.status === 200) times.push(performance.now() - due);
  });
  await Promise.all(all);
  return { ...timesOf(times), answered: times.length / all.length };
}

function floodOf(answers: readonly Response[]): Pick<OverloadResult, 'flood' | 'retryAfter'> {
  const flood: Record<string, number> = {};
  for (const { status } of answers) flood[status] = (flood[status] ?? 0) + 1;
  const seconds = answers.flatMap(({ headers, ok }) => (ok ? [] : Number(headers.get('Retry-After'))));
  return { flood, retryAfter: seconds.length === 0 ? [] : [Math.min(...seconds), Math.max(...seconds)] };
}

/** Removes the tasks that were taken on; returns how many of them were not ready. */
async function removeAll(client: Client, answers: readonly Response[]): Promise<number> {
  let removed = 0;
  for (const answer of answers.filter(({ status }) => status === 202)) {
    const { id } = (await answer.json()) as { id: string };
    const progress = await client.ask(`/v1/tasks/${id}/progress`);
    const { state } = (await progress.json()) as { state: string };
    if (state !== 'ready') removed++;
    await client.ask(`/v1/tasks/${id}`, { method: 'DELETE' });
  }
  return removed;
}

/** Seconds until no job waits and none runs. @throws Error when that takes too long */
async function untilIdle({ url }: OwnService): Promise<number> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  while (seconds() < patienceSeconds) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const busy = ['mnas_queue_jobs', 'mnas_workers_busy'].some((name) => !text.includes(`\n${name} 0\n`));
    if (!busy) return seconds();
    await setTimeout(50);
  }
  throw new Error(`jobs wait or run still after ${patienceSeconds} seconds`);
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  if (answer.status !== status) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}
