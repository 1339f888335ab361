import type { TrunkFile } from '../engine/trunk/file.ts';
import { adaptOnTrunk } from '../model/adaptation/adapt-on-trunk.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../model/graph/executor.ts';
import { keyFrom, uniform } from '../model/random.ts';
import { operationNames } from '../model/search-space/genotype.ts';
import type { CellGenotype, Genotype, GenotypeEdge } from '../model/search-space/genotype.ts';
import { tellRanges } from '../server/workers/tell-ranges.ts';
import { bytesOf, trunkSupport } from './trunk-support.ts';

/** A task that other runtimes are compared by. */
export interface ProofTask {
  /** of the architecture, and whether the task is mirrored */
  readonly name: string;
  readonly model: Uint8Array;
}

/** Classes of every task, and images a class. */
export const proofWays = 5;
const shots = 2;

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

/**
 * Tasks on a trunk, of five classes of {@link stripes}: of the checkpoint's architectures, mirrored too where it has
 * mirror images, and of one of every operation, which reads the taps that the first architecture reads. Their files
 * tell ranges where the checkpoint's do.
 */
export async function* proofTasks(
  checkpoint: Checkpoint,
  trunk: TrunkFile,
  engine: Executor & ModelRunner,
): AsyncGenerator<ProofTask> {
  const { genotypes, configuration } = checkpoint;
  const { taps } = genotypes[0]!;
  const own = genotypes.flatMap((genotype, i) => [
    ...(configuration.mirroring ? [{ name: `architecture ${i}, mirrored`, genotype, mirrored: true }] : []),
    { name: `architecture ${i}`, genotype, mirrored: false },
  ]);
  const uniform = uniformGenotypes(configuration.supernet.nodes).map(([name, cells]) => ({
    name,
    genotype: { ...cells, ...(taps && { taps }) },
    mirrored: false,
  }));
  const count = shots * proofWays;
  const { side } = trunk.card;
  const images = stripes(count, side, 1);
  const labels = Array.from({ length: count }, (_, i) => `class ${i % proofWays}`);
  const pixels = bytesOf(images, count);
  for (const { name, genotype, mirrored } of [...own, ...uniform]) {
    const options = { steps: 1, genotype, mirrored };
    const support = await trunkSupport(checkpoint, trunk, engine, { images, labels }); // taken over by each task
    const { model, multiplyAdds } = await adaptOnTrunk(checkpoint, trunk, support, options, engine);
    const told = { model, multiplyAdds, imageSize: side, images: pixels };
    yield { name, model: configuration.int8 ? await tellRanges(engine, told) : model };
  }
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
