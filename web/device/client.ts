import { assets } from '../assets.ts';
import type { Call, Calls, Cancel, Progress, Reply, Start } from './messages.ts';

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (reason: unknown) => void;
  readonly onProgress: (progress: Progress) => void;
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
  if (reply.kind === 'progress') {
    call.onProgress(reply.progress);
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
  readonly onProgress?: (progress: Progress) => void;
  /** ends the work before its next graph; what the worker has loaded and what else it does stays */
  readonly signal?: AbortSignal;
  /** what the request gives away */
  readonly transfer?: Transferable[];
}

/** Asks the worker. @throws Error with a message for the visitor; the signal's reason */
export async function ask<Name extends keyof Calls>(
  name: Name,
  request: Calls[Name]['request'],
  { onProgress = () => undefined, signal, transfer = [] }: AskOptions = {},
): Promise<Calls[Name]['answer']> {
  signal?.throwIfAborted();
  const id = count++;
  const cancel = (): void => {
    const call = waiting.get(id);
    if (!call) return;
    waiting.delete(id);
    worker?.postMessage({ cancel: id } satisfies Cancel);
    call.reject(signal!.reason);
  };
  try {
    return await new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, onProgress });
      signal?.addEventListener('abort', cancel, { once: true });
      started().postMessage({ id, name, request } satisfies Call, transfer);
    });
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
