import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { Executor, ModelRunner, Program, TensorValue, TensorValues } from '../model/graph/executor.ts';
import type { GraphFunction } from '../model/graph/graph.ts';
import { encodeModel } from '../model/graph/onnx/encode.ts';
import { graphMemory } from '../model/graph/memory.ts';
import { toOnnxModel } from '../model/graph/onnx/lowering.ts';
import { withoutResultNames, withResultNames } from '../model/graph/onnx/results.ts';
import { EngineError, messageOf } from './errors.ts';
import { requiredInput } from './inputs.ts';
import { release, SessionCache } from './session-cache.ts';
import type { CachedSession } from './session-cache.ts';
import { sessionBytes, valuesOfFile } from './session-memory.ts';
import type { SessionSize } from './session-memory.ts';
import { createSession, identity, nodesForCpu, probe } from './sessions.ts';
import type { OnnxOptions, Optimization } from './sessions.ts';

/** Of the native library: another one may round otherwise. */
export const onnxruntimeVersion: string = env.versions.node ?? env.versions.common;

export interface ExecutorStats {
  readonly sessions: number;
  /** that they take, as estimated */
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** milliseconds spent in building graphs and creating sessions, each in total */
  readonly buildMs: number;
  readonly compileMs: number;
}

/** An ONNX file, and what a session of it takes. */
interface Loaded {
  readonly file: Uint8Array;
  readonly size: SessionSize;
  /** names of nodes that the CPU runs whatever the provider */
  readonly onCpu?: readonly string[];
}

/** What a session is made of, and how much onnxruntime makes of it. */
interface Source {
  readonly load: () => Loaded;
  readonly optimization: Optimization;
}

/** An executor in the calling thread. `run` blocks that thread: use it only inside workers and tests. */
export function createOnnxExecutor(options: OnnxOptions): OnnxExecutor {
  return new OnnxExecutor(options);
}

/** Graphs and ONNX files compiled by onnxruntime, the least recently used released first. */
export class OnnxExecutor implements Executor, ModelRunner {
  readonly #options: OnnxOptions;
  readonly #cache: SessionCache;
  readonly #sizes = new WeakMap<CachedSession, SessionSize>();
  readonly #counts = { hits: 0, misses: 0, buildMs: 0, compileMs: 0 };
  #provider: Promise<void> | undefined;
  #disposed = false;

  constructor(options: OnnxOptions) {
    for (const name of ['threads', 'cacheSize'] as const) {
      if (!Number.isInteger(options[name]) || options[name] < 1)
        throw new RangeError(`${name} must be at least 1`);
    }
    this.#options = options;
    const { cacheSize, keptBytes = Infinity } = options;
    this.#cache = new SessionCache({ sessions: cacheSize, bytes: keptBytes });
  }

  get stats(): ExecutorStats {
    return { sessions: this.#cache.size, bytes: this.#cache.bytes, ...this.#counts };
  }

  get description(): string {
    return `onnxruntime ${onnxruntimeVersion}, provider ${this.#options.provider}`;
  }

  /**
   * Lowers the graph to ONNX and compiles it as `model` does, but as it is: onnxruntime's optimiser finds nothing in our
   * graphs that saves time, and takes twice as long as all the rest of their compilation.
   */
  async program(key: string, build: () => GraphFunction): Promise<Program> {
    const load = (): Loaded => {
      const built = withResultNames(build());
      const model = toOnnxModel(built, { blocked: this.#options.provider === 'cpu' });
      const file = encodeModel(model);
      const size = { file: file.length, nodes: model.nodes.length, values: graphMemory(built).peak };
      return { file, size, onCpu: nodesForCpu(this.#options.provider, model.nodes) };
    };
    const model = await this.#program(key, load, 'disabled');
    return { run: async (inputs) => withoutResultNames(await model.run(inputs)) };
  }

  /**
   * Compiles the ONNX bytes unless a session of that key is kept; concurrent calls of one key share one compilation.
   * The program stays usable after its session was evicted: its next run compiles again.
   * @throws EngineError PROVIDER_UNAVAILABLE, COMPILE_FAILED, UNSUPPORTED_TYPE
   */
  model(key: string, load: () => Uint8Array): Promise<Program> {
    const loaded = (file: Uint8Array): Loaded => ({ file, size: { file: file.length } });
    return this.#program(key, () => loaded(load()), 'all');
  }

  async #program(key: string, load: () => Loaded, optimization: Optimization): Promise<Program> {
    if (this.#cache.has(key)) this.#counts.hits++;
    const source = { load, optimization };
    await this.#use(key, source, () => Promise.resolve());
    return {
      run: (inputs) =>
        this.#use(key, source, (session, entry) => {
          this.#grow(entry, inputs);
          return run(key, session, inputs);
        }),
    };
  }

  /**
   * Releases what is too much to be kept between jobs: sessions that take more than half of `keptBytes` each, as those of
   * large tasks do, then the least recently used. Resolves when their memory is given back.
   */
  trim(): Promise<void> {
    return this.#cache.trim();
  }

  /** Releases every session as soon as its running calls have ended; the next call compiles again. */
  release(): Promise<void> {
    return this.#cache.clear();
  }

  /** The same for good: no call is taken any more. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.release();
  }

  async #use<T>(
    key: string,
    source: Source,
    work: (session: InferenceSession, entry: CachedSession) => Promise<T>,
  ): Promise<T> {
    if (this.#disposed) throw new EngineError('DISPOSED', `${key}: the executor was disposed`);
    const entry = this.#cache.get(key) ?? this.#add(key, source);
    entry.users++;
    try {
      return await work(await entry.session, entry);
    } finally {
      entry.users--;
      if (entry.evicted && entry.users === 0) await release(entry);
    }
  }

  #add(key: string, source: Source): CachedSession {
    this.#counts.misses++;
    const entry = this.#cache.add(
      key,
      this.#compile(key, source, (size) => {
        this.#sizes.set(entry, size);
        this.#cache.resize(entry, sessionBytes(size));
      }),
    );
    return entry;
  }

  /** Counts what the run of a file will need, where that is more than it has needed before. */
  #grow(entry: CachedSession, inputs: TensorValues): void {
    const size = this.#sizes.get(entry)!;
    if (size.values !== undefined) return;
    const bytes = sessionBytes({ ...size, values: valuesOfFile(inputs) });
    if (bytes > entry.bytes) this.#cache.resize(entry, bytes);
  }

  async #compile(
    key: string,
    { load, optimization }: Source,
    note: (size: SessionSize) => void,
  ): Promise<InferenceSession> {
    this.#provider ??= probe(this.#options);
    await this.#provider;
    const start = performance.now();
    const { file, size, onCpu } = load();
    note(size);
    const built = performance.now();
    this.#counts.buildMs += built - start;
    try {
      return await createSession(key, file, this.#options, optimization, onCpu);
    } finally {
      this.#counts.compileMs += performance.now() - built;
    }
  }
}

async function run(
  key: string,
  session: InferenceSession,
  inputs: TensorValues,
): Promise<Record<string, TensorValue>> {
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputNames) {
    const { data, shape } = requiredInput(key, name, inputs);
    feeds[name] = new Tensor('float32', data, shape);
  }
  try {
    const fetched = await session.run(feeds);
    const outputs: Record<string, TensorValue> = {};
    for (const [name, { data, dims }] of Object.entries(fetched)) {
      outputs[name] = { data: data as Float32Array, shape: dims };
    }
    return outputs;
  } catch (error) {
    throw new EngineError('RUN_FAILED', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Makes the calling thread, and every thread that it starts afterwards, treat denormal floats as zero: gradients
 * full of them are many times slower on some CPUs. Call it first thing in a process, before any worker is started.
 *
 * onnxruntime applies its `session.set_denormal_as_zero` once per process, to the thread that creates the first
 * session; new threads inherit the mode from the thread that starts them. So set per worker it would hold in one
 * worker only, and equal jobs would give different bits in different workers. JavaScript's own doubles below
 * 2.2e-308 become zero in those threads too.
 * @throws EngineError DENORMALS_FIXED when a session was created before in this process, so that the mode cannot be set any more
 */
export async function flushDenormals(): Promise<void> {
  const session = await InferenceSession.create(identity(), {
    intraOpNumThreads: 1,
    extra: { session: { set_denormal_as_zero: '1' } },
  });
  await session.release();
  // computed at run time, so that no compiler folds it
  const smallest = new Float64Array([Number.MIN_VALUE]);
  if (smallest[0]! * Math.cos(0) !== 0) {
    throw new EngineError(
      'DENORMALS_FIXED',
      'denormals can only be set before the first session of the process',
    );
  }
}
