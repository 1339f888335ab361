import { adaptWeights } from '../../model/adaptation/adapt-task.ts';
import { selectChild } from '../../model/network/child.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import {
  adaptedSet,
  isMirrored,
  meansOfMirrored,
  withMirrorImages,
} from '../../model/adaptation/mirror-images.ts';
import { chooseNetwork } from '../../model/meta-gradient/meta-gradient.ts';
import type { Stage } from '../../model/configuration.ts';
import type { Values } from '../../model/graph/programs.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { NetworkTask, TaskRunner } from '../../model/inner-loop/task-runner.ts';
import type { ImageDomain, Split } from '../data/domain.ts';
import { floorAccuracy } from '../data/floors.ts';
import { sampleTask } from '../data/tasks.ts';
import type { TaskShape } from '../data/tasks.ts';
import { metaTaskOf } from '../data/sampled-task.ts';
import { reliabilityOf } from './reliability.ts';
import type { Reliability } from './reliability.ts';
import { accuracyOf } from '../../model/task/labelled-set.ts';
import type { TaskSize } from '../../model/task/labelled-set.ts';

export interface EvaluationPayload {
  readonly domain: string;
  readonly split: Split;
  readonly shape: TaskShape;
  readonly seed: number;
  /** Number of the task: the same seed and number give the same task, whatever the checkpoint. */
  readonly task: number;
  readonly stage: Stage;
  /** Of the softmax that relaxes the architecture, where the stage runs the supernet. */
  readonly alphaTemperature: number;
  readonly transductive: boolean;
  readonly floors: boolean;
  /** Whether the served logits are returned. */
  readonly answers?: boolean;
}

/** What a task's queries were answered: logits and one-hot labels, [n, way]. */
export interface Answers {
  readonly size: TaskSize;
  readonly logits: Float32Array;
  readonly targets: Float32Array;
}

/** What a network answers to the queries of a task. */
export interface TaskEvaluation {
  /** null for a network that is not searched. */
  readonly genotype: Genotype | null;
  /** z_i (Eq. 6); empty for a network without an encoder. */
  readonly embedding: Float32Array;
  /** Whether the queries were answered with their mirror images, and a support set of few was adapted to with them. */
  readonly mirrored: boolean;
  readonly queries: number;
  /** Right answers. */
  readonly served: number;
  readonly transductive?: number;
  readonly pixels?: number;
  readonly colours?: number;
  /** Of the served probabilities. */
  readonly reliability: Reliability;
  readonly answers?: Answers;
}

/** Served accuracies of tasks, shares of 1. */
export const servedShares = (tasks: readonly Pick<TaskEvaluation, 'served' | 'queries'>[]): number[] =>
  tasks.map(({ served, queries }) => served / queries);

/** Adapts to one sampled task and classifies its queries. */
export async function evaluateTask(
  runner: TaskRunner,
  parameters: Parameters,
  domain: ImageDomain,
  payload: EvaluationPayload,
): Promise<TaskEvaluation> {
  const key = fold(keyFrom(payload.seed), 'evaluation', domain.name, payload.task);
  const drawn = sampleTask(key, domain, payload.split, payload.shape);
  const { size: given, support: own, query } = metaTaskOf(drawn);
  const { alphaTemperature } = payload;
  const embedded = await runner.embed(parameters, own, given, { mask: null, alphaTemperature });
  const { network, mixes, genotype } = chooseNetwork(runner, embedded, payload.stage);
  const { embedding } = embedded;
  const mirrored = payload.stage === 'retrain' && isMirrored(runner.configuration, parameters, embedding);
  const support = adaptedSet(runner.configuration, { support: own, size: given, mirrored });
  const size = { ...given, support: support.count };
  const task = { network, mixes, support, size };
  const weights = await adaptedWeights(runner, task, parameters, embedded.modulated);
  const asked = mirrored ? withMirrorImages(query, domain.size) : query;
  const answer = async (statistics: 'support' | 'batch'): Promise<Float32Array> => {
    const logits = await runner.queryLogits(task, weights, asked, statistics);
    return mirrored ? meansOfMirrored(logits) : logits;
  };
  const right = (share: number): number => Math.round(share * query.count);
  const rightOf = (logits: Float32Array): number => right(accuracyOf(logits, query.targets, size.way));
  const served = await answer('support');
  return {
    genotype,
    embedding,
    mirrored,
    queries: query.count,
    served: rightOf(served),
    ...(payload.transductive ? { transductive: rightOf(await answer('batch')) } : {}),
    ...(payload.floors
      ? { pixels: right(floorAccuracy(drawn, 'pixels')), colours: right(floorAccuracy(drawn, 'colours')) }
      : {}),
    reliability: reliabilityOf(served, query.targets, size.way),
    ...(payload.answers ? { answers: { size, logits: served, targets: query.targets } } : {}),
  };
}

/** Eq. 8 on the support set, the way that the service goes. */
async function adaptedWeights(
  runner: TaskRunner,
  { network, mixes, support, size }: NetworkTask,
  parameters: Parameters,
  modulated: Values,
): Promise<Values> {
  const body = network.child ? selectChild(network.child, modulated) : modulated;
  const adaptation = { set: support, size, steps: runner.configuration.innerLoop.steps };
  const start = { ...parameters, ...body, ...mixes };
  return (await adaptWeights(runner, network, start, adaptation)).weights;
}
