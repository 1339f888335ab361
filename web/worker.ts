import { adaptTask } from '../model/adaptation/adapt-task.ts';
import type { AdaptOptions, LabelledImage } from '../model/adaptation/adapt-task.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { estimateAccuracy } from '../model/accuracy/estimate.ts';
import type { ImagesEvaluation } from '../model/accuracy/judgements.ts';
import { fileOrder } from '../model/accuracy/folds.ts';
import { toFloat } from '../model/task/pixels.ts';
import { decodeImage } from './device/decode.ts';
import { loadRuntime, WebExecutor } from './device/executor.ts';
import type { Backend } from './device/executor.ts';
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
  Reply,
  Stage,
  Start,
} from './device/messages.ts';

/** Everything numeric of the page, off its thread: decoding, adaptation, predictions. No image leaves it. */

interface Engine {
  readonly executor: WebExecutor;
  readonly backend: Backend;
}

let start: Start | undefined;
let engine: Promise<Engine> | undefined;
const checkpoints = new Map<string, Promise<Checkpoint>>();

async function startEngine(): Promise<Engine> {
  if (!start) throw new Error('the worker was not told where onnxruntime is');
  const { runtime, backend } = await loadRuntime(new URL(start.onnxruntime, location.href).href);
  return { executor: new WebExecutor(runtime, backend), backend };
}

/** Started when it is first needed; a failure is not kept, since the next try may find the network again. */
function engineOf(): Promise<Engine> {
  engine ??= startEngine().catch((error: unknown) => {
    engine = undefined;
    throw error;
  });
  return engine;
}

/** The checkpoint of a file on the server, read once. */
function checkpointOf({ checkpoint: url, headers }: AdaptRequest): Promise<Checkpoint> {
  const known = checkpoints.get(url) ?? loadCheckpoint(url, headers);
  checkpoints.set(url, known);
  known.catch(() => checkpoints.delete(url));
  return known;
}

async function loadCheckpoint(url: string, headers: AdaptRequest['headers']): Promise<Checkpoint> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`the checkpoint could not be loaded (${response.status})`);
  return decodeCheckpoint(new Uint8Array(await response.arrayBuffer()));
}

/** How a call is told of, and ended. */
interface Caller {
  readonly tell: (stage: Stage) => void;
  readonly signal: AbortSignal;
}

/** What every adaptation begins with. */
async function prepared(request: AdaptRequest, { tell, signal }: Caller) {
  tell('runtime');
  const { executor } = await engineOf();
  tell('checkpoint');
  const checkpoint = await checkpointOf(request);
  const { size } = checkpoint.configuration.image;
  tell('images');
  const support: LabelledImage[] = [];
  // one after the other: a photo takes its whole size in memory while it is decoded
  for (const { label, file } of request.support) {
    signal.throwIfAborted();
    support.push({ label, pixels: toFloat(await decodeImage(file, size)) });
  }
  return { executor, graphs: until(signal, executor), checkpoint, size, support };
}

async function adapt(request: AdaptRequest, caller: Caller): Promise<Adapted> {
  const { graphs, checkpoint, size, support } = await prepared(request, caller);
  caller.tell('architecture');
  const report: AdaptOptions['report'] = ({ kind }) => {
    if (kind === 'genotype') caller.tell('weights');
  };
  const { steps } = request;
  return { ...(await adaptTask(checkpoint, support, { steps, report }, graphs)), size };
}

/** As `/v1/estimates` of the service: every fold's network classifies what it was not adapted to. */
async function estimate(request: AdaptRequest, caller: Caller): Promise<ImagesEvaluation | undefined> {
  const { executor, graphs, checkpoint, size, support } = await prepared(request, caller);
  const orders: string[] = [];
  for (const { file } of request.support) orders.push(fileOrder(new Uint8Array(await file.arrayBuffer())));
  const images = support.map((image, i) => ({ ...image, order: orders[i]! }));
  const estimated = await estimateAccuracy(images, async ({ support: rest, left }, fold) => {
    const { model } = await adaptTask(checkpoint, rest, { steps: request.steps }, graphs);
    const program = await executor.model(`fold ${fold} of ${performance.now()}`, model, 'wasm');
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
  return estimated?.evaluation;
}

async function predict({ key, model, size, file }: Calls['predict']['request']): Promise<Predicted> {
  const { executor } = await engineOf();
  const program = await executor.model(key, model);
  const pixels = toFloat(await decodeImage(file, size));
  const { probabilities, known } = await program.run({ image: { data: pixels, shape: [1, 3, size, size] } });
  return { probabilities: probabilities!.data, ...(known && { known: known.data[0]! }) };
}

/** Runs that a latency is the median of, after one that may still compile. */
const timedRuns = 5;

/** How fast a model is; which image it is given makes no difference. */
async function measure({ key, model, size }: ModelRequest): Promise<Latency> {
  const { executor, backend } = await engineOf();
  const program = await executor.model(key, model);
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
} = { adapt, estimate, predict, measure };

const reply = (message: Reply): void => postMessage(message);

/** Calls that are being answered, by id. */
const running = new Map<number, AbortController>();

async function answer({ id, name, request }: Call): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  const tell = (stage: Stage) => reply({ id, kind: 'stage', stage });
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
