import type { TrunkFile } from '../engine/trunk/file.ts';
import { adaptOnTrunk } from '../model/adaptation/adapt-on-trunk.ts';
import type { TrunkSupport } from '../model/adaptation/adapt-on-trunk.ts';
import { RowCollector, viewsNeeded, writeView } from '../model/adaptation/support-rows.ts';
import type { ImageView } from '../model/adaptation/support-rows.ts';
import { viewPlan } from '../model/adaptation/support-views.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../model/graph/executor.ts';
import { toFloat } from '../model/task/pixels.ts';
import { rowsOf } from '../model/trunk/rows.ts';
import { proofWays, stripes, uniformGenotypes } from './proof-tasks.ts';
import type { ProofTask } from './proof-tasks.ts';

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
  for (const { name, genotype, mirrored } of [...own, ...uniform]) {
    const options = { steps: 1, genotype, mirrored };
    const support = await supportOf(checkpoint, trunk, engine); // taken over by each task
    const { model } = await adaptOnTrunk(checkpoint, trunk, support, options, engine);
    yield { name, model };
  }
}

async function supportOf(
  { configuration }: Checkpoint,
  trunk: TrunkFile,
  engine: ModelRunner,
): Promise<TrunkSupport> {
  const { side } = trunk.card;
  const size = { way: proofWays, support: shots * proofWays };
  const plan = viewPlan(configuration, size);
  if (plan.crops > 0) throw new Error(`a task of ${shots} images a class has crops, which are not made here`);
  const collector = new RowCollector(plan, size.support);
  const length = 3 * side ** 2;
  const images = Uint8Array.from(stripes(size.support, side, 1), (value) => Math.round(255 * value));
  for (const view of viewsNeeded(plan)) {
    const pixels = new Uint8Array(images.length);
    const views = Array.from({ length: size.support }, (_, image): ImageView => ({ image, view }));
    for (const { image } of views) {
      const [start, end] = [image * length, (image + 1) * length];
      writeView(images.subarray(start, end), view, side, pixels.subarray(start, end));
    }
    const given = { data: toFloat(pixels), shape: [size.support, 3, side, side] };
    collector.add(views, await rowsOf(engine, trunk, configuration.trunk!.taps, given));
  }
  return {
    labels: Array.from({ length: size.support }, (_, i) => `class ${i % proofWays}`),
    rows: collector.rows,
  };
}
