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
import type { Task, TaskShape } from '../data/tasks.ts';
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
  const drawn = evaluatedTask(domain, payload);
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
  const served = await answer('support');
  const logits = { served, ...(payload.transductive ? { transductive: await answer('batch') } : {}) };
  return { genotype, embedding, mirrored, ...judged(drawn, size, logits, payload) };
}

/** The task of a payload: the same for every network that is asked. */
export const evaluatedTask = (domain: ImageDomain, { seed, task, split, shape }: EvaluationPayload): Task =>
  sampleTask(fold(keyFrom(seed), 'evaluation', domain.name, task), domain, split, shape);

/** What logits [n, way] of a task's queries are worth. */
export function judged(
  drawn: Task,
  size: TaskSize,
  { served, transductive }: { readonly served: Float32Array; readonly transductive?: Float32Array },
  { floors, answers }: Pick<EvaluationPayload, 'floors' | 'answers'>,
): Omit<TaskEvaluation, 'genotype' | 'embedding' | 'mirrored'> {
  const { count, targets } = metaTaskOf(drawn).query;
  const right = (share: number): number => Math.round(share * count);
  const rightOf = (logits: Float32Array): number => right(accuracyOf(logits, targets, size.way));
  return {
    queries: count,
    served: rightOf(served),
    ...(transductive ? { transductive: rightOf(transductive) } : {}),
    ...(floors
      ? { pixels: right(floorAccuracy(drawn, 'pixels')), colours: right(floorAccuracy(drawn, 'colours')) }
      : {}),
    reliability: reliabilityOf(served, targets, size.way),
    ...(answers ? { answers: { size, logits: served, targets } } : {}),
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
