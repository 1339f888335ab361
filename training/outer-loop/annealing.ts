import { parameterSpecifications } from '../../model/parameters.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunState } from '../run/run-folder.ts';
import { stageAt } from '../run/schedule.ts';
import type { TrainingConfiguration } from './configuration.ts';

/**
 * The state behind an annealed search: the controller's outputs are divided by the temperature that it ended at, so that
 * the softmax at temperature 1, by which all that follows decodes and serves, gives the α of its end. A state elsewhere
 * stays as it is.
 */
export function annealedState(configuration: TrainingConfiguration, state: RunState): RunState {
  if (state.iteration === 0) return state;
  const { stage, temperature } = stageAt(configuration, state.iteration - 1).stage;
  const [, end] = temperature;
  if (stage !== 'search' || end === 1) return state;
  const outputs = new ParameterLayout(parameterSpecifications(configuration.model)).entries.filter(
    ({ group, name }) => group === 'controller' && name.startsWith('controller.alpha'),
  );
  const sharpened = (vector: Float32Array): Float32Array => {
    const own = vector.slice();
    for (const { start, size } of outputs) for (let i = start; i < start + size; i++) own[i] = own[i]! / end;
    return own;
  };
  const { average } = state;
  return {
    ...state,
    parameters: sharpened(state.parameters),
    ...(average ? { average: sharpened(average) } : {}),
  };
}
