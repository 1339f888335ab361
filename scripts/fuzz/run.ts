import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OwnService } from '../../bench/serve/process.ts';
import { caseOf } from './cases.ts';
import type { Case } from './cases.ts';
import { imagesOfEveryKind, multipartOf, points, refusedImages, fuzzBoundary } from './corpus.ts';
import type { Corpus } from './corpus.ts';
import { faultOf, send } from './send.ts';
import type { Answer } from './send.ts';

export interface FuzzPlan {
  readonly seed: number;
  /** number of the first case */
  readonly first: number;
  /** the run ends when either is over */
  readonly seconds: number;
  readonly cases: number;
  /** cases under way at the same time */
  readonly parallel: number;
}

export interface Find {
  readonly index: number;
  readonly case: Case;
  readonly fault: string;
}

export interface FuzzResult {
  readonly cases: number;
  /** answers by kind of case and status */
  readonly answers: Readonly<Record<string, number>>;
  readonly finds: readonly Find[];
  /** MiB of resident memory: after a tenth of the time, at the end */
  readonly memory: readonly [number, number];
  /** tasks that were acknowledged and are there whole */
  readonly tasks: number;
}

/** Small limits, so that what is over them is met; a short queue would only hide what the cases do. */
export const fuzzEnvironment = {
  MNAS_MAX_BODY_BYTES: '1000000',
  MNAS_MAX_FILE_BYTES: '300000',
  MNAS_MAX_PIXELS: '4000000',
  MNAS_UPLOAD_SECONDS: '5',
  MNAS_REQUEST_SECONDS: '60',
  MNAS_SESSIONS: '16',
};
const answerSeconds = 90;
/** Growth of memory that counts as a find, in MiB: caches fill up, and allocators keep what they had. */
const allowedGrowth = 400;

/** A service without any task but those that it is sent here. */
export type Target = Pick<OwnService, 'url' | 'folder' | 'lives'>;

/** Sends mutated requests to the service and notes whatever no client may be able to cause. */
export async function fuzz(plan: FuzzPlan, service: Target): Promise<FuzzResult> {
  const answers: Record<string, number> = {};
  const finds: Find[] = [];
  const acknowledged = new Set<string>();
  let next = plan.first;
  const corpus = await makeCorpus(service);
  const started = performance.now();
  const progress = () =>
    Math.max((performance.now() - started) / 1000 / plan.seconds, (next - plan.first) / plan.cases);
  let early = 0;
  const client = async () => {
    while (progress() < 1 && service.lives()) {
      const index = next++;
      const sent = caseOf(plan.seed, index, corpus);
      const { answer, fault } = await outcome(service, sent);
      const key = `${sent.kind} ${answer?.status ?? 'none'}`;
      answers[key] = (answers[key] ?? 0) + 1;
      if (fault !== undefined) finds.push({ index, case: sent, fault });
      if (answer?.status === 201) acknowledged.add((JSON.parse(answer.body.toString()) as { id: string }).id);
      if (sent.method === 'DELETE' && answer?.status === 204) acknowledged.delete(sent.path.slice(-32));
      if (early === 0 && progress() > 0.1) early = await residentMemory(service);
    }
  };
  await Promise.all(Array.from({ length: plan.parallel }, client));
  const late = await residentMemory(service);
  for (const fault of await afterwards(service, acknowledged, late - early))
    finds.push({ index: -1, case: caseOf(plan.seed, plan.first, corpus), fault });
  return { cases: next - plan.first, answers, finds, memory: [early, late], tasks: acknowledged.size };
}

async function outcome(service: Target, sent: Case): Promise<{ answer?: Answer; fault?: string }> {
  try {
    const answer = await send(service.url, sent, answerSeconds);
    const fault = faultOf(sent, answer);
    return { answer, ...(fault !== undefined && { fault }) };
  } catch (error) {
    // a body over its limit is answered, and its connection then cut: a client may see only that
    const cut = (sent.body?.length ?? 0) > Number(fuzzEnvironment.MNAS_MAX_BODY_BYTES);
    return cut ? {} : { fault: `no answer: ${String(error)}` };
  }
}

async function makeCorpus(service: Target): Promise<Corpus> {
  const images = await imagesOfEveryKind();
  const make = async (type: string, body: Buffer) => {
    const headers = { 'Content-Type': type };
    const sent = { kind: 'corpus', method: 'POST', path: '/v1/tasks', headers, body };
    const answer = await send(service.url, sent, answerSeconds);
    if (answer.status !== 201) throw new Error(`the corpus is refused: ${answer.body.toString()}`);
    return (JSON.parse(answer.body.toString()) as { id: string }).id;
  };
  const files = images.map((image, index) => [index % 2 === 0 ? 'cat' : 'dog', image] as const);
  return {
    images,
    refused: refusedImages(),
    imagesTask: await make(`multipart/form-data; boundary=${fuzzBoundary}`, multipartOf(files)),
    pointsTask: await make('application/json', Buffer.from(JSON.stringify({ support: points }))),
  };
}

/** What is wrong when all is over: a dead service, lost or half tasks, drafts that are left, memory that has grown. */
async function afterwards(
  service: Target,
  acknowledged: ReadonlySet<string>,
  growth: number,
): Promise<string[]> {
  if (!service.lives()) return ['the service has ended'];
  const faults: string[] = [];
  for (const path of ['/healthz', '/readyz'])
    if (!(await fetch(service.url + path)).ok) faults.push(`${path} is not 200 afterwards`);
  for (const id of acknowledged) {
    const answer = await fetch(`${service.url}/v1/tasks/${id}/model`);
    await answer.arrayBuffer(); // the service bounds what one client leaves unread
    if (!answer.ok) faults.push(`the task ${id} is lost: ${answer.status}`);
  }
  const drafts = (await readdir(join(service.folder, 'temporary'))).filter(
    (name) => !name.startsWith('probe-'),
  );
  if (drafts.length > 0) faults.push(`drafts are left: ${drafts.join(', ')}`);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  const crashes = Number(/^mnas_worker_crashes_total (\d+)/m.exec(metrics)?.[1] ?? 0);
  if (crashes !== 0) faults.push(`${crashes} workers have crashed`);
  if (growth > allowedGrowth) faults.push(`memory has grown by ${growth.toFixed(0)} MiB`);
  return faults;
}

async function residentMemory(service: Target): Promise<number> {
  if (!service.lives()) return NaN;
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1] ?? NaN) / 2 ** 20;
}
