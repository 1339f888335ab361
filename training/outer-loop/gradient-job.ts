import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import type { Key } from '../../model/random.ts';
import { fold, integer, keyFrom, uniform } from '../../model/random.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { cellNames, edgeCount, operationNames, genotypeKey } from '../../model/search-space/genotype.ts';
import type { Job } from '../../engine/jobs.ts';
import type { TrainingWorkerData } from '../worker/worker-state.ts';
import { chooseTraining, sampleTask } from '../data/tasks.ts';
import { layoutOf, memory, runnerOf, parametersOf } from '../worker/worker-state.ts';
import { pathMask } from '../data/path-mask.ts';
import { metaTaskOf } from '../data/sampled-task.ts';
import { metaGradient } from '../../model/meta-gradient/meta-gradient.ts';
import { stageModel } from './configuration.ts';
import type { MetaGradient } from '../../model/meta-gradient/meta-gradient.ts';
import { trunkGradient } from '../evaluation/trunk-tasks.ts';
import { adaptedSet } from '../../model/adaptation/mirror-images.ts';

/** A task of a meta-batch and how its gradient is computed. */
export interface GradientPayload {
  readonly iteration: number;
  readonly task: number;
  readonly stage: StageConfiguration;
  /** Of the architecture's softmax. */
  readonly alphaTemperature: number;
  /** Factor of the architecture's entropy in the loss of `search`. */
  readonly entropyWeight: number;
  readonly training: Pick<TrainingConfiguration, 'reconstructionWeight' | 'pathDropout'>;
  readonly genotypes: readonly Genotype[];
}

/** What is told of a task whose gradient was written. */
export interface GradientResult {
  readonly domain: string;
  readonly loss: number;
  /** Whether every number of the gradient is. */
  readonly finite: boolean;
  readonly accuracy: number;
  /** Losses of the support set; null without inner steps. */
  readonly supportBefore: number | null;
  readonly supportAfter: number | null;
  readonly reconstruction: number;
  /** Its key; null for a network that is not searched. */
  readonly genotype: string | null;
}

/** The key of everything random in one task: a pure function of seed, iteration and position in the meta-batch. */
export const taskKey = (seed: number, iteration: number, task: number): Key =>
  fold(keyFrom(seed), 'task', iteration, task);

/** The shape of one task of a meta-batch; the trainer asks too, to start the largest tasks first. */
export const taskShape = (
  seed: number,
  iteration: number,
  task: number,
  { shapes }: StageConfiguration,
): StageConfiguration['shapes'][number] => drawShape(fold(taskKey(seed, iteration, task), 'shape'), shapes);

function drawShape(key: Key, shapes: StageConfiguration['shapes']): StageConfiguration['shapes'][number] {
  let rest = uniform(key, 1)[0]! * shapes.reduce((total, { weight }) => total + weight, 0);
  return shapes.find(({ weight }) => (rest -= weight) < 0) ?? shapes[0]!;
}

const oneOf = (genotypes: readonly Genotype[], key: Key): readonly Genotype[] => [
  genotypes[integer(key, genotypes.length)]!,
];

/** Path dropout of a search step; null without any. */
function droppedPaths({ supernet }: ModelConfiguration, key: Key, dropout: number): Float32Array | null {
  if (dropout === 0) return null;
  return pathMask(key, [cellNames.length * edgeCount(supernet.nodes), operationNames.length], dropout);
}

/** Computes the gradient of one task of a meta-batch (Algorithm 1, lines 4 to 8) and leaves it on shared memory. */
export const gradientJob: Job<GradientPayload, GradientResult, TrainingWorkerData> = async (
  { iteration, task: position, stage, alphaTemperature, entropyWeight, training, genotypes },
  context,
) => {
  const { workerData: data } = context;
  const key = taskKey(data.seed, iteration, position);
  const layout = layoutOf(data);
  memory.reset();
  const trained = stage.architectures === 'drawn' ? oneOf(genotypes, fold(key, 'architecture')) : genotypes;
  const runner = runnerOf(context, stageModel(data.model, stage), trained);
  const drawn = taskShape(data.seed, iteration, position, stage);
  const options = {
    stage: stage.stage,
    reconstructionWeight: training.reconstructionWeight,
    fixedEncoder: stage.encoder === 'fixed',
    relaxation: {
      mask:
        stage.stage === 'search' ? droppedPaths(data.model, fold(key, 'paths'), training.pathDropout) : null,
      alphaTemperature,
      entropyWeight,
    },
  };
  if (data.planes) {
    const given = { key, domains: data.planes, weights: data.weights, shape: drawn, memory };
    const { domain, result } = await trunkGradient(runner, parametersOf(data, layout), given, options);
    return toldOf(domain, result, layout.pack(result.gradients, data.gradients[position]));
  }
  const { domain, shape } = chooseTraining(fold(key, 'domain'), data.domains, data.weights, drawn);
  const augmentation = data.augmentations[data.domains.indexOf(domain)]!;
  const task = metaTaskOf(sampleTask(fold(key, 'sample'), domain, 'train', shape, augmentation, memory));
  const mirrored = stage.stage === 'retrain' && augmentation.flip;
  const result = await metaGradient(runner, parametersOf(data, layout), task, {
    ...options,
    adaptedTo: adaptedSet(data.model, { ...task, mirrored }, (length) => memory.take(length)),
  });
  return toldOf(domain.name, result, layout.pack(result.gradients, data.gradients[position]));
};

const toldOf = (domain: string, result: MetaGradient, gradient: Float32Array): GradientResult => ({
  domain,
  loss: result.query.loss,
  finite: allFinite(gradient),
  accuracy: result.query.accuracy,
  supportBefore: result.support?.before.loss ?? null,
  supportAfter: result.support?.after.loss ?? null,
  reconstruction: result.reconstruction,
  genotype: result.genotype && genotypeKey(result.genotype),
});

/** Whether every number is finite; a plain loop, since `every` takes many times as long. */
export function allFinite(vector: Float32Array): boolean {
  for (let i = 0; i < vector.length; i++) if (!Number.isFinite(vector[i])) return false;
  return true;
}
