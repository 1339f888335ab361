import { regressionFormat } from '../../../model/regression/checkpoint.ts';
import type { RegressionCheckpoint } from '../../../model/regression/checkpoint.ts';
import { mnasSpecifications } from '../../../model/regression/mnas.ts';
import { ParameterLayout } from '../../run/parameter-vector.ts';
import type { ToyConfiguration } from './configuration.ts';
import type { ToyState } from './state.ts';

/** A run of M-NAS as the service loads it; null for a row that it cannot: a baseline, or M-NAS with normalisation. */
export function toyCheckpoint(
  configuration: ToyConfiguration,
  { parameters, genotypes, iteration, seconds }: ToyState,
  commit: string,
): RegressionCheckpoint | null {
  const { method, order, name } = configuration;
  if (method.kind !== 'm-nas') return null;
  const served = regressionFormat.configuration.safeParse({ model: method.model, order });
  if (!served.success) return null;
  const layout = new ParameterLayout(mnasSpecifications(method.model));
  return {
    id: `toy-${name}`,
    configuration: served.data,
    parameters: layout.unpack(parameters),
    genotypes,
    training: { configuration, iterations: iteration, seconds: Math.round(seconds), commit },
  };
}
