import { platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort, Transferable } from 'node:worker_threads';
import { errorRecord } from './errors.ts';
import type { JobContext, JobTable } from './jobs.ts';
import type { FromWorker, Kept, ToWorker, WorkerSetup } from './messages.ts';
import { createOnnxExecutor } from './onnxruntime.ts';
import { stoppableExecutor, stoppableModels } from './stoppable.ts';
import type { TfjsExecutor } from './tfjs/executor.ts';

if (!parentPort) throw new Error('engine/worker.ts runs only as a worker thread');
const port: MessagePort = parentPort;
const setup = workerData as WorkerSetup;
/** Of a thread that yields: it gets a tenth of a processor that others want, and all of one that nobody wants. */
const niceness = 10;
// Linux has a niceness for every thread; elsewhere it is the process's, and stays
if (setup.yields && platform() === 'linux') setPriority(niceness);
const models = createOnnxExecutor(setup.engine);
const executor = setup.engine.name === 'tfjs' ? await loadTfjs() : models;
/** What jobs are given: kept, since what they know of an executor is kept by it. */
const stoppable = {
  executor: stoppableExecutor(executor, setup.stop),
  models: stoppableModels(models, setup.stop),
};

/** the job that runs, or ran last; it never rejects */
let running = Promise.resolve();

/**
 * Does what the pool asks for, until it ends the thread.
 * @throws TypeError without a table: the job module has none
 */
export function serve(jobs: JobTable | undefined): void {
  if (jobs === undefined) throw new TypeError(`${setup.jobs} exports no \`jobs\``);
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'run':
        running = run(jobs, message.job, message.request);
        break;
      case 'release':
        void release();
        break;
      case 'stop':
        void stop();
        break;
    }
  });
  send({ kind: 'ready', engine: executor.description });
}

/** Loaded only where it is asked for: the service has no tfjs. */
async function loadTfjs(): Promise<TfjsExecutor> {
  const { createTfjsExecutor } = await import('./tfjs/executor.ts');
  return createTfjsExecutor(setup.engine.cacheSize);
}

async function run(jobs: JobTable, name: string, request: unknown): Promise<void> {
  try {
    const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    if (job === undefined) throw new TypeError(`no job ${name} in ${setup.jobs}`);
    const buffers: Transferable[] = [];
    const context: JobContext = {
      ...stoppable,
      workerData: setup.workerData,
      workerIndex: setup.workerIndex,
      progress: (value) => send({ kind: 'progress', value }),
      transfer: (...more) => void buffers.push(...more),
    };
    const value = await job(request, context);
    send({ kind: 'done', value, kept: await kept() }, buffers);
  } catch (error) {
    // also a result that cannot be cloned
    send({ kind: 'failed', error: errorRecord(error), kept: await kept() });
  }
}

/** What is kept after a job, once what is too much is released. */
async function kept(): Promise<Kept> {
  await models.trim();
  const { sessions, bytes } = models.stats;
  return { sessions, sessionBytes: bytes };
}

async function release(): Promise<void> {
  await models.release();
  send({ kind: 'released', kept: await kept() });
}

async function stop(): Promise<void> {
  await running;
  await executor.dispose();
  await models.dispose();
  port.close();
}

function send(message: FromWorker, transfer: readonly Transferable[] = []): void {
  port.postMessage(message, transfer);
}
