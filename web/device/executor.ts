import type * as Onnxruntime from 'onnxruntime-web/wasm';
import type {
  Executor,
  ModelRunner,
  Program,
  TensorValue,
  TensorValues,
} from '../../model/graph/executor.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { toOnnx } from '../../model/graph/onnx/lowering.ts';
import { withoutResultNames, withResultNames } from '../../model/graph/onnx/results.ts';

type Runtime = typeof Onnxruntime;
type Session = Onnxruntime.InferenceSession;
export type Backend = 'webgpu' | 'wasm';

/** Errors only: that some nodes stay on the processor is no news. */
const quiet = { logSeverityLevel: 3 } as const;

/** Compiled graphs and models kept at once: those of two tasks, and the trunk that both stand on. */
const keptSessions = 7;

/**
 * onnxruntime-web with the backend for exported models. Where there is a GPU it is the build that can use it.
 * @param folder where the WebAssembly files are, with a slash at its end
 */
export async function loadRuntime(folder: string): Promise<{ runtime: Runtime; backend: Backend }> {
  const backend = (await hasGpu()) ? 'webgpu' : 'wasm';
  const runtime: Runtime =
    backend === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  runtime.env.wasm.wasmPaths = folder;
  runtime.env.wasm.numThreads = 1; // more need a page that is isolated from all others
  runtime.env.logLevel = 'error';
  return { runtime, backend };
}

async function hasGpu(): Promise<boolean> {
  const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<unknown> } };
  return Boolean(await gpu?.requestAdapter().catch(() => null));
}

/** An exported model made ready. */
export interface ReadyModel extends Program {
  /** Milliseconds of a run, without what it waits for. */
  time(inputs: TensorValues): Promise<number>;
  /** Lets go of it, before it is the oldest. */
  release(): void;
}

/** The executor of a browser: `model/`'s graphs, and exported models, compiled and run by onnxruntime-web. */
export class WebExecutor implements Executor, ModelRunner {
  readonly #runtime: Runtime;
  /** in the order of use, oldest first */
  readonly #sessions = new Map<string, Promise<Session>>();
  /** onnxruntime-web runs one session at a time */
  #last: Promise<unknown> = Promise.resolve();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Graphs always run in WebAssembly: thousands of small nodes are slower on a GPU, which lacks some of them. */
  async program(key: string, build: () => GraphFunction): Promise<Program> {
    const load = () => toOnnx(withResultNames(build()));
    const options = { ...quiet, executionProviders: ['wasm'], graphOptimizationLevel: 'disabled' } as const;
    await this.#session(key, load, options);
    return {
      run: async (inputs) =>
        withoutResultNames(await this.#run(await this.#session(key, load, options), inputs)),
    };
  }

  /**
   * An exported model, by its hash or any other name that is its own. In WebAssembly, where nothing else is asked for, its
   * numbers are the service's within rounding.
   */
  async model(key: string, load: () => Uint8Array, backend: Backend = 'wasm'): Promise<ReadyModel> {
    const options = { ...quiet, executionProviders: backend === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'] };
    const session = () => this.#session(key, load, options);
    await session();
    return {
      run: async (inputs) => this.#run(await session(), inputs),
      time: async (inputs) => {
        const ready = await session();
        const feeds = this.#feeds(ready, inputs);
        return this.#alone(async () => {
          const start = performance.now();
          await ready.run(feeds);
          return performance.now() - start;
        });
      },
      release: () => this.#release(key),
    };
  }

  #session(
    key: string,
    load: () => Uint8Array,
    options: Onnxruntime.InferenceSession.SessionOptions,
  ): Promise<Session> {
    const session =
      this.#sessions.get(key) ?? this.#alone(() => this.#runtime.InferenceSession.create(load(), options));
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    session.catch(() => this.#sessions.delete(key));
    for (const oldKey of this.#sessions.keys()) {
      if (this.#sessions.size <= keptSessions) break;
      this.#release(oldKey);
    }
    return session;
  }

  #release(key: string): void {
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    if (session) this.#alone(async () => (await session).release()).catch(() => undefined);
  }

  #feeds(session: Session, inputs: TensorValues): Record<string, Onnxruntime.Tensor> {
    return Object.fromEntries(
      session.inputNames.map((name) => {
        const input = inputs[name];
        if (!input) throw new Error(`input ${name} is missing`);
        return [name, new this.#runtime.Tensor('float32', input.data, input.shape)] as const;
      }),
    );
  }

  async #run(session: Session, inputs: TensorValues): Promise<Record<string, TensorValue>> {
    const feeds = this.#feeds(session, inputs);
    return this.#alone(async () => {
      const outputs = Object.entries(await session.run(feeds));
      return Object.fromEntries(
        outputs.map(([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }]),
      );
    });
  }

  /** One after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
