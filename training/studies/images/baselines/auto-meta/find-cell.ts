import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { childSize } from '../../../../../model/network/child.ts';
import { fold, keyFrom } from '../../../../../model/random.ts';
import { genotypeKey, parseGenotypeKey } from '../../../../../model/search-space/genotype.ts';
import type { Genotype } from '../../../../../model/search-space/genotype.ts';
import type { ImageDomain } from '../../../../data/domain.ts';
import { identityOf } from '../../../../outer-loop/run-identity.ts';
import { defaultEngine } from '../../../../../engine/options.ts';
import { RunFolder } from '../../../../run/run-folder.ts';
import { writeAtomically } from '../../../../run/write-atomically.ts';
import type { AutoMetaConfiguration } from '../../configuration.ts';
import type { StageCost } from '../../result.ts';
import { historyOf } from '../../result.ts';
import { BaselineTrainer } from '../trainer.ts';
import { genotypeOf } from './cells.ts';
import { searchProgressively } from './search.ts';

const measurementSchema = z.object({
  /** Accuracy on validation tasks, the mean over domains, 0..1. */
  accuracy: z.number(),
  tasks: z.number(),
  iterations: z.number(),
  coreSeconds: z.number(),
});
const searchSchema = z.object({
  /** Of the run that measured. */
  identity: z.string(),
  /** By the key of the genotype, in the order of the search. */
  measured: z.record(z.string(), measurementSchema),
});
type Measurement = z.infer<typeof measurementSchema>;

/** The cell that was found, and what finding it took. */
export interface FoundCell {
  readonly genotype: Genotype;
  readonly cost: StageCost;
  /** How many cells were trained. */
  readonly measured: number;
}

/** Told how many candidates are measured, of how many nodes the last one is, and its accuracy, 0..1. */
export type CandidateHeard = (measured: number, nodes: number, accuracy: number) => void;

/** The row as it trains a candidate: a supernet of as many nodes, for the search's own number of iterations. */
function candidateRow(configuration: AutoMetaConfiguration, nodes: number): AutoMetaConfiguration {
  const { model, stages, method } = configuration;
  const iterations = method.search.iterations;
  const stage = stages[0]!;
  return {
    ...configuration,
    model: { ...model, supernet: { ...model.supernet, nodes } },
    stages: [{ ...stage, iterations, learningRate: [stage.learningRate[0], stage.learningRate[0]] }],
    validation: { ...configuration.validation, every: iterations },
  };
}

/** Trains a candidate by Reptile and validates it. */
async function measured(
  row: AutoMetaConfiguration,
  genotype: Genotype,
  domains: readonly ImageDomain[],
  folder: RunFolder,
  signal: AbortSignal,
): Promise<Measurement> {
  let validated: Readonly<Record<string, number>> = {};
  const options = { genotypes: [genotype], calibrates: false };
  const trainer = await BaselineTrainer.start(row, domains, folder, 'new', options);
  try {
    await trainer.run({ validation: (_, own) => (validated = own) }, undefined, signal);
  } finally {
    await trainer.close();
  }
  signal.throwIfAborted();
  const shares = Object.values(validated);
  if (shares.length === 0) throw new Error('a cell is searched by validation tasks, and no domain has some');
  const [cost] = historyOf(await folder.readMetrics()).stages;
  const { tasks, iterations, coreSeconds } = cost!;
  return { accuracy: shares.reduce((a, b) => a + b) / shares.length, tasks, iterations, coreSeconds };
}

/**
 * The cell of an Auto-Meta row: searched in `folder`, where every measured candidate is kept, so that a search goes on
 * where it was stopped; `resume` false begins anew. `heard` is called after each that is measured anew.
 * @throws Error when what is kept is of another run; the signal's reason when it stops the search
 */
export async function findCell(
  configuration: AutoMetaConfiguration,
  domains: readonly ImageDomain[],
  folder: RunFolder,
  resume: boolean,
  signal: AbortSignal,
  heard?: CandidateHeard,
): Promise<FoundCell> {
  const file = join(folder.path, 'search.json');
  if (!resume) await rm(file, { force: true });
  const identity = identityOf(configuration, domains, defaultEngine);
  const kept = await readSearch(file);
  if (kept && kept.identity !== identity) throw new Error(`${file} is of another run`);
  const all: Record<string, Measurement> = { ...kept?.measured };
  const { search } = configuration.method;
  const candidate = new RunFolder(join(folder.path, 'candidate'));
  const cell = await searchProgressively({
    key: fold(keyFrom(configuration.seed), 'auto-meta'),
    nodes: configuration.model.supernet.nodes,
    first: search.first,
    beam: search.beam,
    allowed: (own) => childSize(configuration.model, genotypeOf(own)) <= configuration.maximumWeights,
    measure: async (own) => {
      const genotype = genotypeOf(own);
      const key = genotypeKey(genotype);
      const known = all[key];
      if (known) return known.accuracy;
      const row = candidateRow(configuration, own.length);
      const { accuracy } = (all[key] = await measured(row, genotype, domains, candidate, signal));
      await writeAtomically(file, `${JSON.stringify({ identity, measured: all })}\n`);
      heard?.(Object.keys(all).length, own.length, accuracy);
      return accuracy;
    },
  });
  await rm(candidate.path, { recursive: true, force: true });
  const list = Object.values(all);
  const total = (of: (own: Measurement) => number): number => list.reduce((sum, own) => sum + of(own), 0);
  return {
    genotype: parseGenotypeKey(genotypeKey(genotypeOf(cell))),
    measured: list.length,
    cost: {
      stage: 'search',
      iterations: total(({ iterations }) => iterations),
      tasks: total(({ tasks }) => tasks),
      coreSeconds: total(({ coreSeconds }) => coreSeconds),
    },
  };
}

async function readSearch(file: string): Promise<z.infer<typeof searchSchema> | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : searchSchema.parse(JSON.parse(text));
}
