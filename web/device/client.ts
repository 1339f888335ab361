import { assets } from '../assets.ts';
import type { Call, Calls, Reply, Stage, Start } from './messages.ts';

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly onStage: (stage: Stage) => void;
}

let worker: Worker | undefined;
let count = 0;
const waiting = new Map<number, Waiting>();

/** The page's one worker; it loads onnxruntime when it is first asked for anything. */
function started(): Worker {
  if (worker) return worker;
  worker = new Worker(assets.worker, { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => settle(data));
  worker.addEventListener('error', ({ message }) => fail(message || 'the worker could not be started'));
  worker.postMessage({ onnxruntime: assets.onnxruntime } satisfies Start);
  return worker;
}

function settle(reply: Reply): void {
  const call = waiting.get(reply.id);
  if (!call) return;
  if (reply.kind === 'stage') {
    call.onStage(reply.stage);
    return;
  }
  waiting.delete(reply.id);
  if (reply.kind === 'answer') call.resolve(reply.answer as never);
  else call.reject(new Error(reply.message));
}

/** The worker is gone: so is everything that waits for it. The next call starts a new one. */
function fail(message: string): void {
  worker?.terminate();
  worker = undefined;
  for (const { reject } of waiting.values()) reject(new Error(message));
  waiting.clear();
}

interface AskOptions {
  readonly onStage?: (stage: Stage) => void;
  /** ends the work, with the worker and all else that it does */
  readonly signal?: AbortSignal;
}

/** Asks the worker. @throws Error with a message for the visitor */
export function ask<Name extends keyof Calls>(
  name: Name,
  request: Calls[Name]['request'],
  { onStage = () => undefined, signal }: AskOptions = {},
): Promise<Calls[Name]['answer']> {
  const id = count++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, onStage });
    signal?.addEventListener('abort', () => {
      if (waiting.has(id)) fail('cancelled');
    });
    started().postMessage({ id, name, request } satisfies Call);
  });
}
