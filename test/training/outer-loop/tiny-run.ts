import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import type { TrainingConfiguration } from '../../../training/outer-loop/configuration.ts';
import { Trainer } from '../../../training/outer-loop/trainer.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

export const shapes = [{ way: 2, shot: 1, query: 3 }];
/** All three stages, eight iterations. */
export const configuration = trainingConfigurationSchema.parse({
  name: 'tiny',
  seed: 5,
  model: {
    image: { size: 16 },
    supernet: { channels: 2, nodes: 1, stem: [3, 4] },
    encoder: { kind: 'set', features: 4, state: 5 },
    controller: { hidden: 4 },
    innerLoop: { steps: 1 },
    mirroring: { shots: 1 },
  },
  domains: [
    {
      source: { kind: 'folder', name: 'a', path: 'unused' },
      augmentation: { flip: true, crop: 0.1, colour: 0.1 },
    },
    { source: { kind: 'folder', name: 'b', path: 'unused' } },
  ],
  stages: [
    { stage: 'search', iterations: 3, shapes },
    { stage: 'tune', iterations: 2, shapes },
    { stage: 'retrain', iterations: 3, shapes },
  ],
  metaBatch: 3,
  averaging: 0.9,
  maximumGenotypes: 2,
  workers: 1,
  validation: { every: 4, tasks: 2, query: 3 },
});
export const domains = [syntheticDomain('a', 16), syntheticDomain('b', 16)];

/** The last stage of the configuration, alone and so short. */
export const retrainAlone = (iterations: number): TrainingConfiguration => ({
  ...configuration,
  stages: [{ ...configuration.stages[2]!, iterations }],
});

/** Runs in a folder that is removed after the tests of the file. */
export function temporaryRuns(): {
  readonly folderOf: (name: string) => RunFolder;
  /** A run of a configuration, in the folder of its name by default, until it is paused or at its end. */
  readonly train: (given: TrainingConfiguration, options?: RunOptions) => Promise<RunFolder>;
} {
  const root = sharedFolder();
  const folderOf = (name: string): RunFolder => new RunFolder(root(name));
  const train = async (
    given: TrainingConfiguration,
    { from = 'new', until, data = domains, folder = folderOf(given.name) }: RunOptions = {},
  ): Promise<RunFolder> => {
    const trainer = await Trainer.start(given, data, folder, from);
    await trainer.run({}, until).finally(() => trainer.close());
    return folder;
  };
  return { folderOf, train };
}

interface RunOptions {
  readonly from?: Parameters<typeof Trainer.start>[3];
  readonly until?: number;
  readonly data?: readonly ImageDomain[];
  readonly folder?: RunFolder;
}

/** The lines of a run's metrics without what differs from one way of making it to another. */
export async function metricsOf(folder: RunFolder): Promise<unknown[]> {
  const lines = (await readFile(join(folder.path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const own = { seconds: 0, workers: 0 }; // of the way that a run was made
  return lines.map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), ...own }));
}
