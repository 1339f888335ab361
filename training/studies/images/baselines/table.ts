import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { calibrationSpecification } from '../../../../model/parameters.ts';
import type { BaselineConfiguration, MethodConfiguration } from '../configuration.ts';
import { bmaml } from './bmaml.ts';
import { hsml } from './hsml.ts';
import type { ImageMethod } from './method.ts';
import { mtNet } from './mt-net.ts';
import { mumomaml } from './mumomaml.ts';

/** What a method is built of. */
export type Built<K extends MethodConfiguration['kind'] = MethodConfiguration['kind']> = Pick<
  BaselineConfiguration,
  'model' | 'reconstructionWeight'
> & { readonly method: Extract<MethodConfiguration, { kind: K }> };

/** How each kind of method is built. */
const methods: { readonly [K in MethodConfiguration['kind']]: (row: Built<K>) => ImageMethod } = {
  'mt-net': ({ model }) => mtNet(model),
  bmaml: ({ model, method: { particles, leaderSteps } }) => bmaml(model, { count: particles, leaderSteps }),
  mumomaml: ({ model }) => mumomaml(model),
  hsml: ({ model, method: { hierarchy }, reconstructionWeight }) =>
    hsml(model, { hierarchy, reconstructionWeight }),
};

/** The classifier of a row. */
export function methodOf(row: Built): ImageMethod {
  const build = methods[row.method.kind] as (row: Built) => ImageMethod;
  return build(row);
}

/** Θ of a row, and the temperature of its probabilities. */
export const baselineSpecifications = (row: Built): ParameterSpecification[] => [
  ...methodOf(row).parameters,
  calibrationSpecification,
];
