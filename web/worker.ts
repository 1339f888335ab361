import { adaptTask } from '../model/adaptation/adapt-task.ts';
import { estimateAccuracy } from '../model/accuracy/estimate.ts';
import type { Estimated } from '../model/accuracy/estimate.ts';
import { fileOrder } from '../model/accuracy/folds.ts';
import { toFloat } from '../model/task/pixels.ts';
import { adaptToFiles, allowedFor, supportImages } from './device/adapt.ts';
import type { DeviceTask, DeviceTools } from './device/adapt.ts';
import { decodeImage, decodePicture } from './device/decode.ts';
import { loadRuntime, WebExecutor } from './device/executor.ts';
import type { Backend } from './device/executor.ts';
import { ServerFiles } from './device/load.ts';
import type { OnLoaded } from './device/load.ts';
import { warmTrunk } from './device/trunk-rows.ts';
import { until } from './device/until.ts';
import type {
  Adapted,
  AdaptRequest,
  Call,
  Calls,
  Cancel,
  Latency,
  ModelRequest,
  Predicted,
  Progress,
  Reply,
  Sources,
  Start,
} from './device/messages.ts';

/** Everything numeric of the page, off its thread: decoding, adaptation, predictions. No image leaves it. */

interface Engine {
  readonly executor: WebExecutor;
  /** for exported models that visitors try */
  readonly backend: Backend;
}

let start: Start | undefined;
let engine: Promise<Engine> | undefined;
const files = new ServerFiles();

async function startEngine(): Promise<Engine> {
  if (!start) throw new Error('the worker was not told where onnxruntime is');
  const { runtime, backend } = await loadRuntime(new URL(start.onnxruntime, location.href).href);
  return { executor: new WebExecutor(runtime), backend };
}

/** Started when it is first needed; a failure is not kept, since the next try may find the network again. */
function engineOf(): Promise<Engine> {
  engine ??= startEngine().catch((error: unknown) => {
    engine = undefined;
    throw error;
  });
  return engine;
}

/** How a call is told of, and ended. */
interface Caller {
  readonly tell: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** onnxruntime, and what every task needs of the server. */
async function load({ checkpoint: file, trunk: source, headers }: Sources, { tell }: Pick<Caller, 'tell'>) {
  tell({ stage: 'runtime' });
  const { executor } = await engineOf();
  tell({ stage: 'checkpoint' });
  const loaded =
    (stage: 'checkpoint' | 'trunk'): OnLoaded =>
    (done, total) =>
      tell({ stage, done, total });
  const checkpoint = await files.checkpoint(file, headers, loaded('checkpoint'));
  if (source) tell({ stage: 'trunk' });
  const trunk = source && (await files.trunk(source, headers, loaded('trunk')));
  return { executor, checkpoint, trunk };
}

async function prepare(sources: Sources, { tell, signal }: Caller): Promise<undefined> {
  const { executor, checkpoint, trunk } = await load(sources, { tell });
  if (trunk) await warmTrunk(until(signal, executor), trunk, checkpoint.configuration);
}

/** What every adaptation begins with: the task, and what it is made with. */
async function prepared(
  request: AdaptRequest,
  { tell, signal }: Caller,
): Promise<{ executor: WebExecutor; task: DeviceTask; tools: DeviceTools }> {
  const { executor, checkpoint, trunk } = await load(request, { tell });
  const { steps, budget, support } = request;
  const task = { checkpoint, trunk, steps, budget, support };
  const decode = (file: Blob) => {
    signal.throwIfAborted();
    return decodePicture(file);
  };
  return { executor, task, tools: { executor: until(signal, executor), decode, tell } };
}

async function adapt(request: AdaptRequest, caller: Caller): Promise<Adapted> {
  const { task, tools } = await prepared(request, caller);
  return adaptToFiles(task, tools);
}

/** As `/v1/estimates` of the service: every fold's network classifies what it was not adapted to. */
async function estimate(request: AdaptRequest, caller: Caller): Promise<Estimated | undefined> {
  const { executor, task, tools } = await prepared(request, caller);
  const { checkpoint, steps } = task;
  const { size } = checkpoint.configuration.image;
  const support = await supportImages(task, tools);
  const allowed = allowedFor(task);
  const orders: string[] = [];
  for (const { file } of request.support) orders.push(fileOrder(new Uint8Array(await file.arrayBuffer())));
  const images = support.map((image, i) => ({ ...image, order: orders[i]! }));
  return estimateAccuracy(images, async ({ support: rest, left }, fold) => {
    const { model } = await adaptTask(checkpoint, rest, { steps, allowed }, tools.executor);
    const program = await executor.model(`fold ${fold} of ${performance.now()}`, () => model);
    try {
      const answers: Float32Array[] = [];
      for (const { pixels } of left) {
        const { probabilities } = await program.run({ image: { data: pixels, shape: [1, 3, size, size] } });
        answers.push(probabilities!.data);
      }
      return answers;
    } finally {
      program.release();
    }
  });
}

async function predict({ key, model, size, image }: Calls['predict']['request']): Promise<Predicted> {
  const { executor, backend } = await engineOf();
  const program = await executor.model(key, () => model, backend);
  const pixels = toFloat(await decodeImage(image, size));
  const { probabilities, known } = await program.run({ image: { data: pixels, shape: [1, 3, size, size] } });
  return { probabilities: probabilities!.data, ...(known && { known: known.data[0]! }) };
}

/** Runs that a latency is the median of, after one that may still compile. */
const timedRuns = 5;

/** How fast a model is; which image it is given makes no difference. */
async function measure({ key, model, size }: ModelRequest): Promise<Latency> {
  const { executor, backend } = await engineOf();
  const program = await executor.model(key, () => model, backend);
  const image = { data: new Float32Array(3 * size * size).fill(0.5), shape: [1, 3, size, size] };
  await program.time({ image });
  const durations: number[] = [];
  while (durations.length < timedRuns) durations.push(await program.time({ image }));
  return { backend, milliseconds: durations.sort((a, b) => a - b)[timedRuns >> 1]! };
}

const handlers: {
  readonly [Name in keyof Calls]: (
    request: Calls[Name]['request'],
    caller: Caller,
  ) => Promise<Calls[Name]['answer']>;
} = { prepare, adapt, estimate, predict, measure };

const reply = (message: Reply): void => postMessage(message);

/** Calls that are being answered, by id. */
const running = new Map<number, AbortController>();

async function answer({ id, name, request }: Call): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  const tell = (progress: Progress) => reply({ id, kind: 'progress', progress });
  try {
    reply({
      id,
      kind: 'answer',
      answer: await handlers[name](request as never, { tell, signal: abort.signal }),
    });
  } catch (error) {
    reply({ id, kind: 'error', message: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

addEventListener('message', ({ data }: MessageEvent<Start | Call | Cancel>) => {
  if ('onnxruntime' in data) start = data;
  else if ('cancel' in data) running.get(data.cancel)?.abort();
  else void answer(data);
});
