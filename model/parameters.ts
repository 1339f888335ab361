import type { ModelConfiguration } from './configuration.ts';
import { familiarSpecifications } from './controller/familiar-kinds.ts';
import { taskSpecifications } from './controller/task-specifications.ts';
import { rateVariables } from './inner-loop/rates.ts';
import { drawParameters } from './layers/parameter-specification.ts';
import type { ParameterSpecification } from './layers/parameter-specification.ts';
import { statisticSpecifications } from './network/trunk-statistics.ts';
import { rateColumns, weightSpecifications } from './network/weights.ts';
import type { Key } from './random.ts';

/** Coefficients of the logarithm of the temperature; 0 until the end of meta-training fits them. */
export const calibrationSpecification: ParameterSpecification = {
  name: 'calibration',
  shape: [1, 3],
  group: 'calibration',
  deviation: 0,
  mean: 0,
};

/** Logistic regression on z_i: its coefficients and the intercept; 0 until meta-training fits them. */
export const mirroringSpecification = ({ encoder }: ModelConfiguration): ParameterSpecification => ({
  name: 'mirroring',
  shape: [1, encoder.state + 1],
  group: 'mirroring',
  deviation: 0,
  mean: 0,
});

/** Every tensor of a checkpoint, in a fixed order. */
export function parameterSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  return [
    ...(configuration.network.kind === 'conv4'
      ? []
      : [...taskSpecifications(configuration), ...familiarSpecifications(configuration)]),
    ...(configuration.mirroring ? [mirroringSpecification(configuration)] : []),
    ...weightSpecifications(configuration),
    ...(configuration.head.kind === 'prototype'
      ? [{ name: 'head.scale', shape: [1, 1], group: 'head' as const, deviation: 0, mean: 0.1 }]
      : []),
    ...(configuration.trunk ? [] : rateVariables(configuration, rateColumns(configuration))).map((rates) => ({
      ...rates,
      group: 'head' as const,
      deviation: 0,
      mean: 0,
    })),
    ...statisticSpecifications(configuration),
    calibrationSpecification,
  ];
}

/** Random initial parameters (Algorithm 1, line 1). */
export const initialParameters = (
  configuration: ModelConfiguration,
  key: Key,
): Record<string, Float32Array> => drawParameters(parameterSpecifications(configuration), key);
