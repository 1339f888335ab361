import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { multiplyAddsOf } from '../model/graph/arithmetic.ts';
import type { Executor, Program } from '../model/graph/executor.ts';
import { Graph } from '../model/graph/graph.ts';
import { matmul } from '../model/graph/operations.ts';
import type { Tensor } from '../model/graph/primitives.ts';
import { networkTasks } from './networks.ts';
import type { Workload } from './workload.ts';

/** What one task's meta-gradient multiplies, and what that would take at the speed of large matrix products. */
export interface Arithmetic {
  /** Floating-point operations of the products and convolutions of its graphs, two a multiply-add, in 10⁹. */
  readonly gigaflop: number;
  /** Of a product of two large matrices on one thread, 10⁹ operations a second: the limit of this machine. */
  readonly limit: number;
  /** Milliseconds of a task at that speed, and as measured: the least of all runs, one thread. */
  readonly atLimit: number;
  readonly least: number;
}

/** Runs before the clock starts. */
const warmUps = 3;
/** Side of the large matrices. */
const large = 1024;

/** Counts the multiply-adds of every program that is run. */
class Counting implements Executor {
  multiplyAdds = 0;
  readonly #executor: Executor;
  readonly #counts = new Map<string, number>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  async program(...[key, build]: Parameters<Executor['program']>): Promise<Program> {
    const counted = this.#counts.get(key) ?? multiplyAddsOf(Object.values(build().outputs));
    this.#counts.set(key, counted);
    const program = await this.#executor.program(key, build);
    return {
      run: (inputs) => {
        this.multiplyAdds += counted;
        return program.run(inputs);
      },
    };
  }
}

async function leastOf(runs: number, run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < warmUps + runs; i++) {
    const start = performance.now();
    await run();
    if (i >= warmUps) times.push(performance.now() - start);
  }
  return Math.min(...times);
}

/** Compares the meta-gradient of one task with the arithmetic that it cannot do without, in turn with large products. */
export async function benchArithmetic(workload: Workload, runs: number): Promise<Arithmetic> {
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 8, memoryPattern: false });
  const counting = new Counting(executor);
  const task = networkTasks[workload.network](workload, counting);
  await task.run();
  const { multiplyAdds } = counting;
  const product = await executor.program('large product', () => {
    const graph = new Graph();
    const input = (name: string): Tensor => graph.input(name, [large, large]);
    return { name: 'product', outputs: { product: matmul(input('a'), input('b')) } };
  });
  const matrix = { data: new Float32Array(large ** 2).fill(0.5), shape: [large, large] };
  const productMs = await leastOf(runs, () => product.run({ a: matrix, b: matrix }));
  const least = await leastOf(runs, task.run);
  await executor.dispose();
  const limit = (2 * large ** 3) / productMs / 1e6;
  const gigaflop = (2 * multiplyAdds) / 1e9;
  return { gigaflop, limit, atLimit: (1000 * gigaflop) / limit, least };
}
