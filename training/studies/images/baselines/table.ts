import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { calibrationSpecification } from '../../../../model/parameters.ts';
import type { TaskShape } from '../../../data/tasks.ts';
import type { BaselineConfiguration, MethodConfiguration } from '../configuration.ts';
import { bmaml } from './bmaml.ts';
import { hsml } from './hsml.ts';
import type { ImageMethod } from './method.ts';
import { mtNet } from './mt-net.ts';
import { mumomaml } from './mumomaml.ts';

/** The methods that are one graph a task: all but Auto-Meta, whose outer gradient is none. */
export type GraphMethod = Exclude<MethodConfiguration['kind'], 'auto-meta'>;

/** What a method is built of. */
export type Built<K extends MethodConfiguration['kind'] = GraphMethod> = Pick<
  BaselineConfiguration,
  'model' | 'reconstructionWeight'
> & { readonly method: Extract<MethodConfiguration, { kind: K }> };

/** How each kind of method is built. */
const methods: { readonly [K in GraphMethod]: (row: Built<K>) => ImageMethod } = {
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
export const baselineSpecifications = (row: BaselineConfiguration): ParameterSpecification[] => [
  ...(isGraphMethod(row) ? methodOf(row).parameters : weightSpecifications(row.model)),
  calibrationSpecification,
];

export const isGraphMethod = <R extends BaselineConfiguration>(row: R): row is R & Built =>
  row.method.kind !== 'auto-meta';

/** The shape of a training task: of Auto-Meta with more images than the stage's, and one query that nothing asks for. */
export const trainedShape = <S extends TaskShape>({ method }: BaselineConfiguration, shape: S): S =>
  method.kind === 'auto-meta' ? { ...shape, shot: method.shots, query: 1 } : shape;
