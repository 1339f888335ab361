import { availableParallelism, cpus } from 'node:os';
import { barePredictions } from './bare.ts';
import { load, post, timesOf } from './load.ts';
import type { Load, Times } from './load.ts';
import { formOf, phone, photo } from './photos.ts';
import type { Body } from './photos.ts';
import { startOwnService, watchHealth } from './process.ts';
import type { Health, OwnService } from './process.ts';

export interface ServePlan {
  readonly way: number;
  readonly shot: number;
  /** new tasks, one after the other */
  readonly posts: number;
  /** of each measurement under load */
  readonly seconds: number;
  readonly connections: number;
  /** predictions of the test of flat memory; 0 for none */
  readonly soak: number;
  /** different tasks of the same test */
  readonly soakTasks: number;
}

/** A measurement and what it did to the service. */
type Measured<T> = T & Health;

/** A bare loop's requests a second, and which share of them the service has. */
interface Bare {
  readonly threads: number;
  readonly perSecond: number;
  readonly share: number;
}

/** Predictions through the service beside bare loops in the same run: in one thread, and in as many as the service has workers. */
interface Against extends Measured<Load> {
  readonly bare: readonly Bare[];
}

export interface ServeResult {
  readonly machine: string;
  readonly plan: ServePlan;
  readonly megapixels: number;
  readonly photoBytes: number;
  /** the very first task, as soon as the service is ready, ms */
  readonly cold: number;
  readonly post: Measured<Times>;
  /** where the median post's time goes, ms */
  readonly stages: Readonly<Record<string, number>>;
  readonly repeated: Measured<Times>;
  /** of one small photo, one connection */
  readonly prediction: Measured<Load>;
  /** of one small photo, all connections */
  readonly predictions: Against;
  /** of 25 small photos a request */
  readonly batches: Against;
  readonly downloads: Measured<Load>;
  readonly soak?: { readonly predictions: Measured<Load>; readonly tasks: Measured<Times> };
}

/** A prediction's photo: what a page would scale it to before sending. */
const small = { width: 320, height: 240 };
const batchSize = 25;
/** Threads of the bare loops. */
const bareThreads = [1, availableParallelism()];
/** Images that the tasks of the soak are made of. */
const tiny = { width: 64, height: 64 };

async function measured<T>(service: OwnService, work: () => Promise<T>): Promise<Measured<T>> {
  const stop = watchHealth(service);
  const result = await work();
  return { ...result, ...(await stop()) };
}

/** The support set of task t: way × shot photos out of a few more a class, another selection for each task. */
async function supportBodies({ way, shot, posts }: ServePlan): Promise<Body[]> {
  const spare = 3;
  const pool = await Promise.all(
    Array.from({ length: way }, async (_, label) => {
      const photos: Buffer[] = [];
      for (let index = 0; index < shot + spare; index++) photos.push(await photo(label, index, phone));
      return photos;
    }),
  );
  const taken = (task: number, label: number) =>
    Array.from({ length: shot }, (_, i) => {
      const photos = pool[label]!;
      return photos[(i + Math.floor(task / photos.length ** label)) % photos.length]!;
    });
  return Promise.all(
    Array.from({ length: posts + 1 }, (_, task) =>
      formOf(pool.flatMap((_, label) => taken(task, label).map((file) => [`class-${label}`, file] as const))),
    ),
  );
}

/** Measures the whole service over HTTP on loopback: a new process, the bundled checkpoint. */
export async function benchServe(plan: ServePlan): Promise<ServeResult> {
  const bodies = await supportBodies(plan);
  const service = await startOwnService();
  try {
    const tasks = `${service.url}/v1/tasks`;
    const [first, ...later] = bodies;
    const cold = await post(tasks, first!);
    const task = cold.answer as { id: string; model: { url: string; input: { shape: (number | string)[] } } };
    const answers: { ms: number; answer: Record<string, unknown> }[] = [];
    const posts = await measured(service, async () => {
      for (const body of later) answers.push(await post(tasks, body));
      return timesOf(answers.map(({ ms }) => ms));
    });
    const repeated = await measured(service, async () => {
      const times: number[] = [];
      for (let i = 0; i < plan.posts; i++) times.push((await post(tasks, first!)).ms);
      return timesOf(times);
    });
    const against = await predictions(service, plan, task);
    const downloads = await measured(service, () => load({ url: service.url + task.model.url, ...plan }));
    const soak = plan.soak > 0 ? { soak: await soakTest(service, plan, task.id) } : {};
    const middle = [...answers].sort((a, b) => a.ms - b.ms)[Math.floor(answers.length / 2)];
    return {
      machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`,
      plan,
      megapixels: (phone.width * phone.height) / 1e6,
      photoBytes: Math.round(first!.bytes.length / (plan.way * plan.shot)),
      cold: cold.ms,
      post: posts,
      stages: (middle?.answer['timings'] ?? {}) as Record<string, number>,
      repeated,
      ...against,
      downloads,
      ...soak,
    };
  } finally {
    await service.stop();
  }
}

/** The service and the bare loop take turns, so that neither has the better moment. */
async function predictions(
  service: OwnService,
  { connections, seconds }: ServePlan,
  task: { readonly id: string; readonly model: { url: string; input: { shape: (number | string)[] } } },
): Promise<Pick<ServeResult, 'prediction' | 'predictions' | 'batches'>> {
  const url = `${service.url}/v1/tasks/${task.id}/predictions`;
  const model = new Uint8Array(await (await fetch(service.url + task.model.url)).arrayBuffer());
  const size = Number(task.model.input.shape[2]);
  const photos = await Promise.all(Array.from({ length: batchSize }, (_, i) => photo(i % 5, 100 + i, small)));
  const bodyOf = (files: readonly Buffer[]) => formOf(files.map((file) => ['images', file] as const));
  const against = async (files: readonly Buffer[]): Promise<Against> => {
    const body = await bodyOf(files);
    await load({ url, body, connections, seconds: 1 }); // the model is compiled in every worker
    const bareLoop = { model, images: files, size, loops: connections, seconds: seconds / 2 };
    const rates = async (): Promise<number[]> => {
      const each: number[] = [];
      for (const threads of bareThreads) each.push(await barePredictions(bareLoop, threads));
      return each;
    };
    const before = await rates();
    const served = await measured(service, () => load({ url, body, connections, seconds }));
    const after = await rates();
    const bare = bareThreads.map((threads, i) => {
      const perSecond = (before[i]! + after[i]!) / 2;
      return { threads, perSecond, share: served.perSecond / perSecond };
    });
    return { ...served, bare };
  };
  const one = [photos[0]!];
  const concurrent = await against(one);
  const body = await bodyOf(one);
  return {
    prediction: await measured(service, () => load({ url, body, connections: 1, seconds })),
    predictions: concurrent,
    batches: await against(photos),
  };
}

/** Many predictions, then many different tasks: whether memory grows with them. */
async function soakTest(
  service: OwnService,
  { connections, soak, soakTasks }: ServePlan,
  id: string,
): Promise<NonNullable<ServeResult['soak']>> {
  const body = await formOf([['images', await photo(0, 100, small)]]);
  const url = `${service.url}/v1/tasks/${id}/predictions`;
  const predicted = await measured(service, () => load({ url, body, connections, requests: soak }));
  const made = await measured(service, async () => {
    const times: number[] = [];
    for (let task = 0; task < soakTasks; task++) {
      const files = [0, 1].map(async (label) => [`class-${label}`, await photo(label, task, tiny)] as const);
      times.push((await post(`${service.url}/v1/tasks`, await formOf(await Promise.all(files)))).ms);
    }
    return timesOf(times);
  });
  return { predictions: predicted, tasks: made };
}
