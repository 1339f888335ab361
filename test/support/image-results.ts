import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype, GenotypeEdge } from '../../model/search-space/genotype.ts';
import { trainingConfigurationSchema } from '../../training/outer-loop/configuration.ts';
import type { ImageResult, ImageSetting } from '../../training/studies/images/result.ts';
import { reliabilityBins } from '../../training/evaluation/reliability.ts';

const cell = (...operations: GenotypeEdge['operation'][]) => ({
  nodes: [operations.map((operation, input) => ({ operation, input }))],
});

/** Two genotypes of one node. */
export const twoGenotypes: readonly [Genotype, Genotype] = [
  { normal: cell('skip_connect', 'sep_conv_5x5'), reduction: cell('max_pool_3x3', 'dil_conv_3x3') },
  { normal: cell('max_pool_3x3', 'max_pool_3x3'), reduction: cell('avg_pool_3x3', 'avg_pool_3x3') },
];

/** A setting of four tasks of 75 queries with these right answers, every probability in one bin of reliability. */
export function settingOf(
  domain: string,
  shot: number,
  served: readonly number[],
  more: Partial<ImageSetting> = {},
): ImageSetting {
  const answers = 75 * served.length;
  const right = served.reduce((a, b) => a + b, 0);
  const bin = (value: number) => Array.from({ length: reliabilityBins }, (_, i) => (i === 9 ? value : 0));
  return {
    domain,
    shot,
    queries: served.map(() => 75),
    served,
    transductive: served.map((count) => count + 3),
    floors: { pixels: { mean: 30, interval: 1 }, colours: { mean: 40, interval: 1 } },
    genotypes: {},
    reliability: { count: bin(answers), confidence: bin(0.65 * answers), right: bin(right) },
    ...more,
  };
}

/** A run with these settings; a conv4 where the name is maml. */
export function resultOf(name: string, settings: readonly ImageSetting[], seed = 1): ImageResult {
  const configuration = trainingConfigurationSchema.parse({
    name,
    seed,
    model: {
      image: { size: 16 },
      supernet: { channels: 2, nodes: 1, stem: [3, 4] },
      ...(name === 'maml' ? { network: { kind: 'conv4', filters: 4 } } : {}),
    },
    domains: [{ source: { kind: 'folder', name: 'bird', path: 'unused' } }],
    stages: [{ stage: 'retrain', iterations: 10, shapes: [{ way: 5, shot: 1, query: 5 }] }],
  });
  const shots = [...new Set(settings.map(({ shot }) => shot))];
  return {
    name,
    seed,
    commit: 'abc',
    configuration,
    protocol: { way: 5, shots, query: 15, tasks: settings[0]?.served.length ?? 0, seed: 2020 },
    stages: [
      { stage: 'search', iterations: 4, tasks: 16, coreSeconds: 1800 },
      { stage: 'retrain', iterations: 6, tasks: 24, coreSeconds: 5400 },
    ],
    curve: [
      { iteration: 2, coreSeconds: 1800, accuracies: { bird: 0.3, grocery: 0.5 } },
      { iteration: 4, coreSeconds: 7200, accuracies: { bird: 0.4, grocery: 0.6 } },
    ],
    settings,
  };
}

export const keyOf = (index: 0 | 1): string => genotypeKey(twoGenotypes[index]);
