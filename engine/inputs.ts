import type { TensorValue, TensorValues } from '../model/graph/executor.ts';
import { sizeOf } from '../model/graph/shapes.ts';
import { EngineError } from './errors.ts';

/** The input `name` of the program `key`. @throws EngineError INVALID_INPUT when it is missing or does not fill its shape */
export function requiredInput(key: string, name: string, inputs: TensorValues): TensorValue {
  const value = inputs[name];
  if (value === undefined) throw new EngineError('INVALID_INPUT', `${key}: input ${name} is missing`);
  if (sizeOf(value.shape) !== value.data.length) {
    const shape = `[${value.shape.join(', ')}]`;
    throw new EngineError(
      'INVALID_INPUT',
      `${key}: input ${name} has ${value.data.length} values for ${shape}`,
    );
  }
  return value;
}
