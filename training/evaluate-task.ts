import type { Genotype } from '../model/genotype.ts';
import { chooseNetwork } from '../model/objective.ts';
import type { Stage } from '../model/objective.ts';
import type { Parameters } from '../model/parameters.ts';
import { fold, keyFrom } from '../model/random.ts';
import { accuracyOf } from '../model/task.ts';
import type { TaskRunner } from '../model/task.ts';
import type { ImageDomain, Split } from './data/domain.ts';
import { floorAccuracy } from './data/floors.ts';
import { sampleTask } from './data/tasks.ts';
import type { TaskShape } from './data/tasks.ts';
import { metaTaskOf } from './meta-task.ts';

export interface EvaluationPayload {
  readonly domain: string;
  readonly split: Split;
  readonly shape: TaskShape;
  readonly seed: number;
  /** Number of the task: the same seed and number give the same task, whatever the checkpoint. */
  readonly task: number;
  readonly stage: Stage;
  readonly transductive: boolean;
  readonly floors: boolean;
}

export interface TaskEvaluation {
  /** null for a network that is not searched. */
  readonly genotype: Genotype | null;
  readonly served: number;
  readonly transductive?: number;
  readonly pixels?: number;
  readonly colours?: number;
}

/** Adapts to one sampled task and classifies its queries; accuracies in 0..1. */
export async function evaluateTask(
  runner: TaskRunner,
  parameters: Parameters,
  domain: ImageDomain,
  payload: EvaluationPayload,
): Promise<TaskEvaluation> {
  const key = fold(keyFrom(payload.seed), 'evaluation', domain.name, payload.task);
  const drawn = sampleTask(key, domain, payload.split, payload.shape);
  const { size, support, query } = metaTaskOf(drawn);
  const embedded = await runner.embed(parameters, support, size);
  const { network, mixes, genotype } = chooseNetwork(runner, embedded, payload.stage);
  const task = { network, mixes, support, size };
  let weights = await runner.initialWeights(task, parameters, embedded.modulated);
  for (let k = 0; k < runner.configuration.innerLoop.steps; k++) {
    weights = (await runner.innerStep(task, weights)).weights;
  }
  const accuracy = async (statistics: 'support' | 'batch'): Promise<number> => {
    const logits = await runner.queryLogits(task, weights, query, statistics);
    return accuracyOf(logits, query.targets, size.way);
  };
  return {
    genotype,
    served: await accuracy('support'),
    ...(payload.transductive ? { transductive: await accuracy('batch') } : {}),
    ...(payload.floors
      ? { pixels: floorAccuracy(drawn, 'pixels'), colours: floorAccuracy(drawn, 'colours') }
      : {}),
  };
}
