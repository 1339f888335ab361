import { LRUCache } from 'lru-cache';
import type { Executor, Program, TensorValue, TensorValues } from '../../model/graph/executor.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { sameShape } from '../../model/graph/shapes.ts';
import { EngineError, messageOf } from '../errors.ts';
import { requiredInput } from '../inputs.ts';
import { loadBackend } from './backend.ts';
import type { Backend, Tfjs } from './backend.ts';
import { Interpretation } from './interpretation.ts';

/**
 * An executor in the calling thread, on the GPU where `@tensorflow/tfjs-node-gpu` is installed, else on the CPU.
 * `cacheSize` programs are kept. `run` blocks the thread: use it only inside workers and tests.
 * @throws EngineError PROVIDER_UNAVAILABLE
 */
export function createTfjsExecutor(cacheSize: number): TfjsExecutor {
  return new TfjsExecutor(loadBackend(), cacheSize);
}

/** Graphs interpreted by tfjs, the least recently used forgotten first. */
export class TfjsExecutor implements Executor {
  readonly description: string;
  readonly #tf: Tfjs;
  readonly #entries: LRUCache<string, Interpretation>;
  #disposed = false;

  constructor({ tf, description }: Backend, cacheSize: number) {
    if (!Number.isInteger(cacheSize) || cacheSize < 1) throw new RangeError('cacheSize must be at least 1');
    this.description = description;
    this.#tf = tf;
    this.#entries = new LRUCache({ max: cacheSize, dispose: (entry) => entry.dispose() });
  }

  /**
   * Orders the graph's operations unless that is kept under the key. The program stays usable after it was forgotten:
   * its next run builds it again.
   * @throws EngineError COMPILE_FAILED, DISPOSED; of `run`: INVALID_INPUT, RUN_FAILED, DISPOSED
   */
  program(key: string, build: () => GraphFunction): Promise<Program> {
    const use = (): Interpretation => this.#use(key, build);
    return settled(() => {
      use();
      return { run: (inputs) => settled(() => run(key, use(), inputs)) };
    });
  }

  /** Frees all that the programs hold. */
  dispose(): Promise<void> {
    this.#disposed = true;
    this.#entries.clear();
    return Promise.resolve();
  }

  #use(key: string, build: () => GraphFunction): Interpretation {
    if (this.#disposed) throw new EngineError('DISPOSED', `${key}: the executor was disposed`);
    const known = this.#entries.get(key);
    if (known) return known;
    const entry = this.#prepare(key, build());
    this.#entries.set(key, entry);
    return entry;
  }

  #prepare(key: string, graph: GraphFunction): Interpretation {
    try {
      return new Interpretation(this.#tf, graph);
    } catch (error) {
      throw new EngineError('COMPILE_FAILED', `${key}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function run(key: string, program: Interpretation, inputs: TensorValues): Record<string, TensorValue> {
  for (const { attributes, shape } of program.inputs) {
    const { name } = attributes;
    const given = requiredInput(key, name, inputs);
    if (sameShape(given.shape, shape)) continue;
    const [is, wanted] = [given.shape, shape].map((axes) => `[${axes.join(', ')}]`);
    throw new EngineError('INVALID_INPUT', `${key}: input ${name} is ${is}, not ${wanted}`);
  }
  try {
    return program.run(inputs);
  } catch (error) {
    throw new EngineError('RUN_FAILED', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

/** tfjs works in the calling thread: what it returns or throws becomes a promise that is settled already. */
function settled<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
