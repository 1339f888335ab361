import { Command } from 'commander';
import * as z from 'zod';
import { noiseChild } from '../model/adaptation/noise-child.ts';
import { weightCount } from '../model/adaptation/export-child.ts';
import { convolutionOf, isConvolution } from '../model/network/child.ts';
import { fold, keyFrom } from '../model/random.ts';
import { cellNames, genotypeKey } from '../model/search-space/genotype.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { tapSlots, tapsRead } from '../model/search-space/taps.ts';
import { readCheckpoint } from '../training/run/read-checkpoint.ts';
import { randomGenotype } from './random-genotype.ts';

/**
 * What a search is compared with: for every architecture of a checkpoint a random one of its size. A line each: the
 * architecture, its weights but the trunk's, and the same of the random one.
 */
const program = new Command('random-architectures')
  .description(
    'Prints, for every architecture of a checkpoint, a random one that is as large and reads as deep.',
  )
  .requiredOption('--checkpoint <file>', 'checkpoint (safetensors)')
  .option('--seed <n>', 'of the random architectures', Number, 1);

const options = z.object({ checkpoint: z.string(), seed: z.int() }).parse(program.parse().opts());

/** How far a random architecture's weights may be from those of its counterpart, in parts of these. */
const tolerance = 0.05;

const { configuration, genotypes } = await readCheckpoint(options.checkpoint);
const { channels } = configuration.supernet;

/** Nearly the weights of a child, without its graphs: convolutions, and projections of what the slots read. */
function roughWeights(genotype: Genotype): number {
  const convolutions = cellNames.flatMap((cell) =>
    genotype[cell].nodes.flat().map(({ operation }) => {
      if (!isConvolution(operation)) return 0;
      const { kernel, twice } = convolutionOf(operation);
      return (twice ? 2 : 1) * channels * (kernel ** 2 + channels);
    }),
  );
  const projections = tapSlots(configuration).map(({ name, taps }) => {
    const read = taps.find((tap) => tap.name === genotype.taps?.slots[name]);
    return channels * (read?.channels ?? 0);
  });
  return [...convolutions, ...projections].reduce((total, count) => total + count, 0);
}

/** Weights of a child that tells five classes apart. */
const weightsOf = (genotype: Genotype): number =>
  weightCount(noiseChild(configuration, genotype, { way: 5, mirrored: false }));

const depthOf = ({ taps }: Genotype): string | undefined =>
  taps && tapsRead(configuration, taps).at(-1)?.name;

const near = (count: number, own: number): boolean => Math.abs(count / own - 1) <= tolerance;

genotypes.forEach((genotype, number) => {
  const own = weightsOf(genotype);
  const key = fold(keyFrom(options.seed), 'architecture', number);
  for (let draw = 0; ; draw++) {
    const random = randomGenotype(configuration, fold(key, draw));
    if (depthOf(random) !== depthOf(genotype) || !near(roughWeights(random), roughWeights(genotype)))
      continue;
    const weights = weightsOf(random);
    if (!near(weights, own)) continue;
    process.stdout.write(`${genotypeKey(genotype)} ${own} ${genotypeKey(random)} ${weights}\n`);
    break;
  }
});
