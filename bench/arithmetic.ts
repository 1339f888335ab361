import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { multiplyAddsOf } from '../model/graph/arithmetic.ts';
import type { Executor, Program } from '../model/graph/executor.ts';
import { Graph } from '../model/graph/graph.ts';
import { matmul } from '../model/graph/operations.ts';
import type { Tensor } from '../model/graph/primitives.ts';
import { timesInTurn } from './in-turn.ts';
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
    const program = await this.#executor.program(key, () => {
      const built = build();
      this.#counts.set(key, multiplyAddsOf(Object.values(built.outputs)));
      return built;
    });
    return {
      run: (inputs) => {
        this.multiplyAdds += this.#counts.get(key)!;
        return program.run(inputs);
      },
    };
  }
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
  const times = await timesInTurn(runs, {
    product: () => product.run({ a: matrix, b: matrix }),
    task: task.run,
  });
  await executor.dispose();
  const limit = (2 * large ** 3) / Math.min(...times.product) / 1e6;
  const gigaflop = (2 * multiplyAdds) / 1e9;
  return { gigaflop, limit, atLimit: (1000 * gigaflop) / limit, least: Math.min(...times.task) };
}
