import { setTimeout as wait } from 'node:timers/promises';
import { leaseMs, stalledMs } from '../../server/queue/names.ts';
import { ask, hasState, idOf, largeTask, later, must, patience, smallTask, until } from './client.ts';
import { patienceFor } from './pace.ts';
import { jobLines } from './stage.ts';
import type { Member, Stage } from './stage.ts';

/** What a trial found: figures, which are printed. @throws Error that says what was not as it must be */
export type Trial = (stage: Stage) => Promise<Readonly<Record<string, unknown>>>;

export const whole = (value: number): number => Math.round(value);
export const taken = (workers: readonly Pick<Member, 'lines'>[], id?: string): number =>
  workers
    .flatMap((worker) => jobLines(worker, 'job taken'))
    .filter(({ job }) => id === undefined || job === `task-${id}`).length;

const progressAt = ({ url }: Pick<Member, 'url'>, id: string) => `${url}/v1/tasks/${id}/progress`;

/** The worker that has the task's job. */
async function holderOf(stage: Stage, id: string): Promise<Member> {
  for (const end = Date.now() + 1000 * patience(stage.pace.small); Date.now() < end;) {
    await wait(20);
    const holder = stage.workers.find((worker) => taken([worker], id) > 0);
    if (holder) return holder;
  }
  throw new Error(`no worker took ${id}`);
}

/** Twenty equal posts over all replicas are one job. */
export const duplicates: Trial = async (stage) => {
  const task = await largeTask(1, 40);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(`${stage.url()}/v1/tasks`, task)));
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  const strange = answers.find(({ status }) => status > 201);
  must(strange === undefined, `${strange?.status}: ${JSON.stringify(strange?.body)}`);
  const adaptations = taken(stage.workers, String(answers[0]!.body['id']));
  must(adaptations === 1, `${adaptations} adaptations instead of one`);
  must(count(201) === 1 && count(200) === 19, `one 201 and nineteen 200 were expected`);
  must(new Set(answers.map(({ body }) => JSON.stringify(body))).size === 1, 'the answers differ');
  return { posts: 20, adaptations, created: count(201), found: count(200) };
};

/** What the way to a worker and back costs a task: the answer's time less that of its adaptation. */
export const way: Trial = async (stage) => {
  const ms: number[] = [];
  for (let number = 0; number < 20; number++) {
    const answer = await ask(`${stage.url()}/v1/tasks`, smallTask(5000 + number));
    must(answer.status === 201, `status ${answer.status}`);
    const { embed = 0, adapt = 0, export: exported = 0 } = answer.body['timings'] as Record<string, number>;
    ms.push(answer.ms - embed - adapt - exported);
  }
  ms.sort((a, b) => a - b);
  return { tasks: ms.length, medianMs: whole(ms[ms.length / 2]!), slowestMs: whole(ms.at(-1)!) };
};

/** Every replica tells how a task comes along, and any of them removes it. */
export const removal: Trial = async (stage) => {
  const [one, two, three] = stage.replicas as [Member, Member, Member];
  const seconds = patienceFor(stage.pace, 200);
  const id = idOf(await ask(`${one.url}/v1/tasks`, later(await largeTask(2, 200))));
  await until(progressAt(two, id), hasState('adapting'), seconds);
  await until(progressAt(three, id), hasState('adapting'), seconds);
  const holder = await holderOf(stage, id);
  const begun = Date.now();
  const removed = await ask(`${three.url}/v1/tasks/${id}`, { method: 'DELETE' });
  must(removed.status === 204, `DELETE answered ${removed.status}`);
  await until(
    progressAt(one, id),
    ({ status, body }) => status === 404 || body['state'] === 'failed',
    seconds,
  );
  const stopped = jobLines(holder, 'job stopped').find(({ job }) => job === `task-${id}`);
  must(stopped !== undefined, 'the worker did not stop');
  must((await ask(`${two.url}/v1/tasks/${id}`)).status === 404, 'the task is there');
  return { deleteMs: whole(removed.ms), workerStoppedAfterMs: stopped.time - begun };
};

/** Within which a dead worker's job is taken up again, seconds: its lease, the look for such jobs, and what a poll is late. */
const lostSeconds = (leaseMs + 2 * stalledMs) / 1000;

/** A worker that is killed within a job: another one takes it up, once. */
export const deathOfWorker: Trial = async (stage) => {
  const [ready, passedOn]: [number[], number[]] = [[], []];
  const kills = 3;
  for (let kill = 0; kill < kills; kill++) {
    const id = idOf(await ask(`${stage.url()}/v1/tasks`, later(await largeTask(10 + kill, 200))));
    const holder = await holderOf(stage, id);
    await wait(300);
    await holder.kill();
    stage.workers.splice(stage.workers.indexOf(holder), 1);
    const begun = Date.now();
    const seconds = lostSeconds + patienceFor(stage.pace, 200);
    await until(progressAt(stage.replicas[0]!, id), hasState('ready', 'failed'), seconds).then((last) =>
      must(last.body['state'] === 'ready', `the task failed: ${JSON.stringify(last.body)}`),
    );
    const again = stage.workers
      .flatMap((worker) => jobLines(worker, 'job taken'))
      .filter(({ job }) => job === `task-${id}`);
    must(again.length === 1, `the job was taken up ${again.length} times`);
    ready.push((Date.now() - begun) / 1000);
    passedOn.push((again[0]!.time - begun) / 1000);
    await stage.start('worker');
  }
  const slowest = Math.max(...passedOn);
  must(slowest <= lostSeconds, `a job was taken up again after ${whole(slowest)} seconds`);
  return {
    kills,
    takenUpAgain: kills,
    slowestTakenUpAfterSeconds: whole(slowest),
    slowestReadyAfterSeconds: whole(Math.max(...ready)),
  };
};

/** A replica that is killed after it has taken tasks on: the others tell of them. */
export const deathOfReplica: Trial = async (stage) => {
  const victim = stage.replicas[0]!;
  const ids: string[] = [];
  for (let number = 0; number < 10; number++)
    ids.push(idOf(await ask(`${victim.url}/v1/tasks`, later(smallTask(100 + number)))));
  await victim.kill();
  stage.replicas.splice(0, 1);
  const seconds = patience(ids.length * stage.pace.small);
  for (const id of ids) await until(progressAt(stage.replicas[0]!, id), hasState('ready'), seconds);
  await stage.start('replica');
  return { acknowledged: ids.length, lost: 0 };
};

/** Redis is killed under load and started again: what was acknowledged is made, what is not is refused at once. */
export const restartOfRedis: Trial = async (stage) => {
  const accepted = new Map<string, true>();
  const refusals: number[] = [];
  let [number, over] = [1000, false];
  const load = async () => {
    while (!over) {
      const answer = await ask(`${stage.url()}/v1/tasks`, later(smallTask(number++))).catch(() => undefined);
      if (answer?.status === 202 || answer?.status === 201) accepted.set(String(answer.body['id']), true);
      else if (answer?.status === 503) refusals.push(answer.ms);
      else must(answer === undefined, `status ${answer?.status}: ${JSON.stringify(answer?.body)}`);
      await wait(50);
    }
  };
  const clients = [load(), load(), load()];
  for (let restart = 0; restart < 2; restart++) {
    await wait(3000);
    await stage.restartRedis(() => wait(3000));
  }
  await wait(3000);
  over = true;
  await Promise.all(clients);
  must(refusals.length > 0, 'nothing was refused');
  const slowest = Math.max(...refusals);
  must(slowest < 1000, `a refusal took ${whole(slowest)} ms`);
  const seconds = patience(accepted.size * stage.pace.small);
  for (const id of accepted.keys())
    await until(`${stage.replicas[0]!.url}/v1/tasks/${id}`, ({ status }) => status === 200, seconds);
  return {
    restarts: 2,
    acknowledged: accepted.size,
    lost: 0,
    refused: refusals.length,
    slowestRefusalMs: whole(slowest),
  };
};
