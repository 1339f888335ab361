import { adaptTask } from '../model/adaptation/adapt-task.ts';
import type { LabelledImage } from '../model/adaptation/adapt-task.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import type { Executor } from '../model/graph/executor.ts';
import { keyFrom, uniform } from '../model/random.ts';
import { operationNames } from '../model/search-space/genotype.ts';
import type { CellGenotype, Genotype, GenotypeEdge } from '../model/search-space/genotype.ts';

/** A task that other runtimes are compared by. */
export interface ProofTask {
  /** of the architecture, and whether the task is mirrored */
  readonly name: string;
  readonly model: Uint8Array;
}

/** Classes of every task. */
export const proofWays = 5;

/** Images [count, 3, side, side] in 0..1, row-major: stripes of one direction a class, under noise. */
export function stripes(count: number, side: number, seed: number): Float32Array {
  const noise = uniform(keyFrom(seed), count * 3 * side * side);
  return Float32Array.from(noise, (grain, at) => {
    const image = Math.floor(at / (3 * side * side));
    const [y, x] = [Math.floor(at / side) % side, at % side];
    const angle = (Math.PI * (image % proofWays)) / proofWays;
    const wave = Math.sin((x * Math.cos(angle) + y * Math.sin(angle)) * 0.5 + image);
    return 0.5 + 0.3 * wave + 0.4 * (grain - 0.5);
  });
}

/** Tasks of five classes of {@link stripes}: of the checkpoint's architectures, mirrored and not, and of one of every operation. */
export async function* proofTasks(checkpoint: Checkpoint, executor: Executor): AsyncGenerator<ProofTask> {
  const { image, supernet, mirroring } = checkpoint.configuration;
  const support = supportOf(image.size);
  const own = checkpoint.genotypes.map((genotype, i) => [`architecture ${i}`, genotype] as const);
  const mirrors = mirroring ? own.map((each) => [...each, true] as const) : [];
  const uniform = uniformGenotypes(supernet.nodes);
  for (const [name, genotype, mirrored = false] of [...mirrors, ...own, ...uniform]) {
    const given = { ...deciding(checkpoint, mirrored), genotypes: [genotype] };
    const { model } = await adaptTask(given, support, { steps: 1 }, executor);
    yield { name: mirrored ? `${name}, mirrored` : name, model };
  }
}

function supportOf(side: number): LabelledImage[] {
  const count = 2 * proofWays;
  const pixels = stripes(count, side, 1);
  return Array.from({ length: count }, (_, i) => ({
    label: `class ${i % proofWays}`,
    pixels: pixels.slice(i * 3 * side * side, (i + 1) * 3 * side * side),
  }));
}

/** For every operation the architecture of it alone, in cells of so many intermediate nodes. */
export function uniformGenotypes(nodes: number): (readonly [GenotypeEdge['operation'], Genotype])[] {
  const all = operationNames.filter((name): name is GenotypeEdge['operation'] => name !== 'none');
  return all.map((name) => [name, uniformGenotype(name, nodes)] as const);
}

function uniformGenotype(operation: GenotypeEdge['operation'], nodes: number): Genotype {
  const cell: CellGenotype = {
    nodes: Array.from({ length: nodes }, (_, target) => [
      { operation, input: target },
      { operation, input: target + 1 },
    ]),
  };
  return { normal: cell, reduction: cell };
}

/** The checkpoint as one that takes every task for mirrored, or none. */
function deciding(checkpoint: Checkpoint, mirrored: boolean): Checkpoint {
  const mirroring = checkpoint.parameters['mirroring']?.map((_, i, { length }) =>
    i === length - 1 ? (mirrored ? 1 : -1) : 0,
  );
  return { ...checkpoint, parameters: { ...checkpoint.parameters, ...(mirroring ? { mirroring } : {}) } };
}
