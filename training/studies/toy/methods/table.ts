import type { RegressionMethod } from '../../../../model/regression/method.ts';
import { mnas } from '../../../../model/regression/mnas.ts';
import type { RegressionTraining } from '../../../../model/regression/mnas.ts';
import type { ToyConfiguration } from '../configuration.ts';
import { bmaml } from './bmaml.ts';
import { hsml } from './hsml.ts';
import { maml } from './maml.ts';
import { mtNet } from './mt-net.ts';
import { mumomaml } from './mumomaml.ts';

type Method = ToyConfiguration['method'];

/** How each kind of method is built; only M-NAS has stages. */
const methods: {
  readonly [K in Method['kind']]: (
    method: Extract<Method, { kind: K }>,
    training: RegressionTraining,
  ) => RegressionMethod;
} = {
  'm-nas': ({ model }, training) => mnas(model, training),
  maml: ({ learner }, training) => maml(learner, training),
  'mt-net': ({ learner }) => mtNet(learner),
  bmaml: ({ learner, particles, leaderSteps }) => bmaml(learner, { count: particles, leaderSteps }),
  mumomaml: ({ learner, encoder, modulated }, training) => mumomaml(learner, encoder, modulated, training),
  hsml: ({ learner, encoder, hierarchy }, training) => hsml(learner, encoder, hierarchy, training),
};

/** The regressor of a configuration in a stage. */
export function methodOf(method: Method, training: RegressionTraining): RegressionMethod {
  const build = methods[method.kind] as (method: Method, training: RegressionTraining) => RegressionMethod;
  return build(method, training);
}
