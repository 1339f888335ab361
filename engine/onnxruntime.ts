import { LRUCache } from 'lru-cache';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import type { Executor, ModelRunner, Program, TensorValue, TensorValues } from '../model/graph/executor.ts';
import type { GraphFunction } from '../model/graph/graph.ts';
import { encodeModel } from '../model/graph/onnx/encode.ts';
import { toOnnx } from '../model/graph/onnx/lowering.ts';
import { withoutResultNames, withResultNames } from '../model/graph/onnx/results.ts';
import { EngineError, messageOf } from './errors.ts';
import { requiredInput } from './inputs.ts';

/** Of the native library: another one may round otherwise. */
export const onnxruntimeVersion: string = env.versions.node ?? env.versions.common;

export type Provider = 'cpu' | 'cuda' | 'webgpu';

export interface OnnxOptions {
  readonly provider: Provider;
  /** threads of one session: 1 is best for small tensors with several workers */
  readonly threads: number;
  /** compiled graphs kept at once, at least 1 */
  readonly cacheSize: number;
  /**
   * Plan the memory of a whole run, default true. It needs the same shapes at every run and costs one block of
   * the peak size per session.
   */
  readonly memoryPattern?: boolean;
}

export interface ExecutorStats {
  readonly sessions: number;
  readonly hits: number;
  readonly misses: number;
  /** milliseconds spent in building graphs and creating sessions, each in total */
  readonly buildMs: number;
  readonly compileMs: number;
}

type Optimization = 'disabled' | 'all';

/** The ONNX bytes of a session, and how much onnxruntime makes of them. */
interface Source {
  readonly load: () => Uint8Array;
  readonly optimization: Optimization;
}

interface Entry {
  readonly session: Promise<InferenceSession>;
  /** calls that wait for or run the session; it is released only at zero */
  users: number;
  evicted: boolean;
  /** of the ONNX file; 0 until it is loaded */
  bytes: number;
  released: Promise<void> | undefined;
}

/**
 * ONNX bytes of all sessions kept at once, beside their number: files with a trunk have 6 MB, and a session takes three to
 * four times as much memory as its file.
 */
const keptBytes = 96 * 1024 ** 2;

/** What the provider does not have runs on the CPU, by onnxruntime's own rule. */
const executionProviders: { readonly [P in Provider]: readonly InferenceSession.ExecutionProviderConfig[] } =
  {
    cpu: ['cpu'],
    cuda: ['cuda', 'cpu'],
    webgpu: ['webgpu', 'cpu'],
  };

/** An executor in the calling thread. `run` blocks that thread: use it only inside workers and tests. */
export function createOnnxExecutor(options: OnnxOptions): OnnxExecutor {
  return new OnnxExecutor(options);
}

/** Graphs and ONNX files compiled by onnxruntime, the least recently used released first. */
export class OnnxExecutor implements Executor, ModelRunner {
  readonly #options: OnnxOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #counts = { hits: 0, misses: 0, buildMs: 0, compileMs: 0 };
  #provider: Promise<void> | undefined;
  #disposed = false;

  constructor(options: OnnxOptions) {
    for (const name of ['threads', 'cacheSize'] as const) {
      if (!Number.isInteger(options[name]) || options[name] < 1)
        throw new RangeError(`${name} must be at least 1`);
    }
    this.#options = options;
    this.#entries = new LRUCache({ max: options.cacheSize, dispose: evict });
  }

  get stats(): ExecutorStats {
    return { sessions: this.#entries.size, ...this.#counts };
  }

  get description(): string {
    return `onnxruntime ${onnxruntimeVersion}, provider ${this.#options.provider}`;
  }

  /**
   * Lowers the graph to ONNX and compiles it as `model` does, but as it is: onnxruntime's optimiser finds nothing in our
   * graphs that saves time, and takes twice as long as all the rest of their compilation.
   */
  async program(key: string, build: () => GraphFunction): Promise<Program> {
    const model = await this.#program(key, () => toOnnx(withResultNames(build())), 'disabled');
    return { run: async (inputs) => withoutResultNames(await model.run(inputs)) };
  }

  /**
   * Compiles the ONNX bytes unless a session of that key is kept; concurrent calls of one key share one compilation.
   * The program stays usable after its session was evicted: its next run compiles again.
   * @throws EngineError PROVIDER_UNAVAILABLE, COMPILE_FAILED, UNSUPPORTED_TYPE
   */
  model(key: string, load: () => Uint8Array): Promise<Program> {
    return this.#program(key, load, 'all');
  }

  async #program(key: string, load: () => Uint8Array, optimization: Optimization): Promise<Program> {
    if (this.#entries.has(key)) this.#counts.hits++;
    const source = { load, optimization };
    await this.#use(key, source, () => Promise.resolve());
    return { run: (inputs) => this.#use(key, source, (session) => run(key, session, inputs)) };
  }

  /** Releases every session as soon as its running calls have ended. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.flatMap(({ released }) => released ?? []));
  }

  async #use<T>(key: string, source: Source, work: (session: InferenceSession) => Promise<T>): Promise<T> {
    if (this.#disposed) throw new EngineError('DISPOSED', `${key}: the executor was disposed`);
    const entry = this.#entries.get(key) ?? this.#add(key, source);
    entry.users++;
    try {
      return await work(await entry.session);
    } finally {
      entry.users--;
      if (entry.evicted && entry.users === 0) await release(entry);
    }
  }

  #add(key: string, source: Source): Entry {
    this.#counts.misses++;
    const session = this.#compile(key, source, (bytes) => {
      entry.bytes = bytes;
      this.#trim();
    });
    const entry: Entry = { session, users: 0, evicted: false, released: undefined, bytes: 0 };
    this.#entries.set(key, entry);
    session.catch(() => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  /** Evicts the least recently used until the files of the rest are small enough together; the last one stays. */
  #trim(): void {
    let bytes = [...this.#entries.values()].reduce((total, entry) => total + entry.bytes, 0);
    while (bytes > keptBytes && this.#entries.size > 1) bytes -= this.#entries.pop()?.bytes ?? 0;
  }

  async #compile(
    key: string,
    { load, optimization }: Source,
    loaded: (bytes: number) => void,
  ): Promise<InferenceSession> {
    this.#provider ??= probe(this.#options);
    await this.#provider;
    const start = performance.now();
    const bytes = load();
    loaded(bytes.length);
    const built = performance.now();
    this.#counts.buildMs += built - start;
    try {
      const session = await InferenceSession.create(bytes, sessionOptions(this.#options, optimization));
      await checkTypes(key, session);
      return session;
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError('COMPILE_FAILED', `${key}: ${messageOf(error)}`, { cause: error });
    } finally {
      this.#counts.compileMs += performance.now() - built;
    }
  }
}

function sessionOptions(options: OnnxOptions, optimization: Optimization): InferenceSession.SessionOptions {
  return {
    executionProviders: executionProviders[options.provider],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: optimization,
    enableCpuMemArena: true,
    enableMemPattern: options.memoryPattern ?? true,
    logSeverityLevel: 3,
    // idle threads of a session must not burn the cores of the other workers
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** One copy of `x`: the smallest graph there is, to see whether a session can be had at all. */
function identity(): Uint8Array {
  return encodeModel({
    name: 'identity',
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
    initializers: [],
    inputs: [{ name: 'x', shape: [1] }],
    outputs: [{ name: 'y', shape: [1] }],
    opset: 17,
  });
}

/** Tells a missing provider (no library, no device) from a graph that does not compile. */
async function probe(options: OnnxOptions): Promise<void> {
  if (options.provider === 'cpu') return;
  try {
    const session = await InferenceSession.create(identity(), sessionOptions(options, 'disabled'));
    await session.release();
  } catch (error) {
    const known = listSupportedBackends().map(({ name, bundled }) =>
      bundled ? name : `${name} (not bundled)`,
    );
    throw new EngineError(
      'PROVIDER_UNAVAILABLE',
      `execution provider ${options.provider} is not available here: ${messageOf(error)}; ` +
        `this build of onnxruntime knows ${known.join(', ')}`,
      { cause: error },
    );
  }
}

async function checkTypes(key: string, session: InferenceSession): Promise<void> {
  for (const value of [...session.inputMetadata, ...session.outputMetadata]) {
    const type = value.isTensor ? value.type : 'no tensor';
    if (type === 'float32') continue;
    await session.release();
    throw new EngineError(
      'UNSUPPORTED_TYPE',
      `${key}: ${value.name} is ${type}; only float32 crosses the edge`,
    );
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

/** A session that failed to compile has nothing to release; its error went to whoever asked for it. */
/** For an entry that the cache has let go of. */
function evict(entry: Entry): void {
  entry.evicted = true;
  if (entry.users === 0) entry.released = release(entry);
}

async function release(entry: Entry): Promise<void> {
  const session = await entry.session.catch(() => undefined);
  await session?.release();
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
