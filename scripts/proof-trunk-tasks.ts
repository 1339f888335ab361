import type { TrunkFile } from '../engine/trunk/file.ts';
import { adaptOnTrunk } from '../model/adaptation/adapt-on-trunk.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../model/graph/executor.ts';
import { proofWays, stripes, uniformGenotypes } from './proof-tasks.ts';
import type { ProofTask } from './proof-tasks.ts';
import { trunkSupport } from './trunk-support.ts';

const shots = 2;

/**
 * Tasks on a trunk, of five classes of {@link stripes}: of the checkpoint's architectures, mirrored and not, and of one of
 * every operation, which reads the taps that the first architecture reads.
 */
export async function* proofTrunkTasks(
  checkpoint: Checkpoint,
  trunk: TrunkFile,
  engine: Executor & ModelRunner,
): AsyncGenerator<ProofTask> {
  const { genotypes, configuration } = checkpoint;
  const { taps } = genotypes[0]!;
  const own = genotypes.flatMap((genotype, i) => [
    { name: `architecture ${i}, mirrored`, genotype, mirrored: true },
    { name: `architecture ${i}`, genotype, mirrored: false },
  ]);
  const uniform = uniformGenotypes(configuration.supernet.nodes).map(([name, cells]) => ({
    name,
    genotype: { ...cells, ...(taps && { taps }) },
    mirrored: false,
  }));
  const count = shots * proofWays;
  const shown = {
    images: stripes(count, trunk.card.side, 1),
    labels: Array.from({ length: count }, (_, i) => `class ${i % proofWays}`),
  };
  for (const { name, genotype, mirrored } of [...own, ...uniform]) {
    const options = { steps: 1, genotype, mirrored };
    const support = await trunkSupport(checkpoint, trunk, engine, shown); // taken over by each task
    const { model } = await adaptOnTrunk(checkpoint, trunk, support, options, engine);
    yield { name, model };
  }
}
