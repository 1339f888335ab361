import type { ModelConfiguration } from '../configuration.ts';
import { encoderSpecifications } from '../embedding/image-encoder.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { controllerSpecifications } from './architecture.ts';
import { conditionSpecifications } from './conditions.ts';
import { modulatorSpecifications } from './modulator.ts';

/** The tensors that make the network of a task, in a fixed order: encoder, controller, modulator and conditions. */
export const taskSpecifications = (configuration: ModelConfiguration): ParameterSpecification[] => [
  ...encoderSpecifications(configuration),
  ...controllerSpecifications(configuration),
  ...modulatorSpecifications(configuration),
  ...conditionSpecifications(configuration),
];
