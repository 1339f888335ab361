import { drawParameters } from '../../model/layers/parameter-specification.ts';
import { keyFrom } from '../../model/random.ts';
import { regressionFormat } from '../../model/regression/checkpoint.ts';
import type { RegressionCheckpoint, ServedRegression } from '../../model/regression/checkpoint.ts';
import { mnasSpecifications } from '../../model/regression/mnas.ts';

interface TinyRegression {
  readonly order: ServedRegression['order'];
  readonly id?: string;
  /** beside the small sizes */
  readonly model?: Readonly<Record<string, unknown>>;
  readonly genotypes?: RegressionCheckpoint['genotypes'];
}

/** A regression checkpoint of few parameters, which are random: it was trained for nothing. */
export function tinyRegression({
  order,
  id = 'toy',
  model = {},
  genotypes = [],
}: TinyRegression): RegressionCheckpoint {
  const configuration = regressionFormat.configuration.parse({
    model: { cell: { width: 6 }, encoder: { features: 4, state: 6 }, normalization: 'none', ...model },
    order,
  });
  const specifications = mnasSpecifications(configuration.model).map((specification) => ({
    ...specification,
    deviation: specification.deviation || 0.3, // a new modulator or bias would hide mistakes behind zeros
  }));
  return {
    id,
    configuration,
    parameters: drawParameters(specifications, keyFrom(3)),
    genotypes,
    training: { seed: 1 },
  };
}
