import type { Job, JobContext, JobTable } from '../engine/jobs.ts';
import type { ModelConfiguration } from '../model/configuration.ts';
import { cellNames, edgeCount, genotypeKey, operationNames } from '../model/search-space/genotype.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { metaGradient } from '../model/meta-gradient/meta-gradient.ts';
import type { Stage } from '../model/meta-gradient/meta-gradient.ts';
import { adaptedSet } from '../model/adaptation/mirror-images.ts';
import { parameterSpecifications } from '../model/parameters.ts';
import type { Parameters } from '../model/layers/parameter-specification.ts';
import { fold, keyFrom, uniform } from '../model/random.ts';
import type { Key } from '../model/random.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import type { Embedded } from '../model/inner-loop/task-runner.ts';
import type { Augmentation } from './data/augment.ts';
import type { ImageDomain } from './data/domain.ts';
import { chooseDomain, possibleShape, sampleTask } from './data/tasks.ts';
import { evaluateOpenSet } from './evaluation/evaluate-open-set.ts';
import type { OpenSetPayload } from './evaluation/evaluate-open-set.ts';
import { evaluateTask } from './evaluation/evaluate-task.ts';
import type { EvaluationPayload } from './evaluation/evaluate-task.ts';
import type { DrawnArchitecture } from './outer-loop/genotype-choice.ts';
import { TaskMemory } from './data/task-memory.ts';
import { metaTaskOf } from './data/sampled-task.ts';
import { LocalCopy, ParameterLayout } from './run/parameter-vector.ts';
import { stageModel } from './outer-loop/configuration.ts';
import type { StageConfiguration, TrainingConfiguration } from './outer-loop/configuration.ts';

/** What every worker of a training run is given once. */
export interface TrainingWorkerData {
  readonly model: ModelConfiguration;
  readonly domains: readonly ImageDomain[];
  readonly weights: readonly number[];
  readonly augmentations: readonly Augmentation[];
  readonly seed: number;
  /** Θ on shared memory, rewritten by the trainer between jobs. */
  readonly parameters: Float32Array;
  /** On shared memory, one a task of a meta-batch: where its gradient is written. */
  readonly gradients: readonly Float32Array[];
}

export interface GradientPayload {
  readonly iteration: number;
  readonly task: number;
  readonly stage: StageConfiguration;
  /** Of the architecture's softmax. */
  readonly temperature: number;
  readonly everyStep: boolean;
  readonly training: Pick<TrainingConfiguration, 'reconstructionWeight' | 'pathDropout'>;
  readonly genotypes: readonly Genotype[];
}

/** What is told of a task whose gradient was written. */
export interface GradientResult {
  readonly domain: string;
  readonly loss: number;
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

function pathMask({ supernet }: ModelConfiguration, key: Key, dropout: number): Float32Array | null {
  if (dropout === 0) return null;
  const rows = cellNames.length * edgeCount(supernet.nodes);
  const mask = Float32Array.from(uniform(key, rows * operationNames.length), (u: number) =>
    Number(u >= dropout),
  );
  for (let row = 0; row < rows; row++) mask[row * operationNames.length] = 1; // zero is never dropped: rows keep a weight
  return mask;
}

/** Per worker, kept between jobs: the runners of a stage and of validation, and the memory of Θ and of a task's images. */
let runners = new Map<string, TaskRunner>();
const local = new LocalCopy();
const memory = new TaskMemory();

function runnerOf(
  context: JobContext,
  configuration: ModelConfiguration,
  genotypes: readonly Genotype[],
): TaskRunner {
  const key = [JSON.stringify(configuration.innerLoop), ...genotypes.map(genotypeKey)].join(' ');
  const known = runners.get(key);
  if (known) return known;
  const runner = new TaskRunner(configuration, context.executor, genotypes);
  runners = new Map([...[...runners].slice(-1), [key, runner]]);
  return runner;
}

const layoutOf = ({ model }: TrainingWorkerData): ParameterLayout =>
  new ParameterLayout(parameterSpecifications(model));

/** Θ by name, as the trainer has last written it. */
const parametersOf = (data: TrainingWorkerData, layout = layoutOf(data)): Parameters =>
  local.of(data.parameters, layout);

const gradientJob: Job = async (payload, context) => {
  const {
    iteration,
    task: position,
    stage,
    temperature,
    everyStep,
    training,
    genotypes,
  } = payload as GradientPayload;
  const data = context.workerData as TrainingWorkerData;
  const key = taskKey(data.seed, iteration, position);
  const domain = chooseDomain(fold(key, 'domain'), data.domains, data.weights);
  const shape = possibleShape(domain, 'train', taskShape(data.seed, iteration, position, stage));
  const augmentation = data.augmentations[data.domains.indexOf(domain)]!;
  const layout = layoutOf(data);
  memory.reset();
  const task = metaTaskOf(sampleTask(fold(key, 'sample'), domain, 'train', shape, augmentation, memory));
  const mirrored = stage.stage === 'retrain' && augmentation.flip;
  const result = await metaGradient(
    runnerOf(context, stageModel(data.model, stage), genotypes),
    parametersOf(data, layout),
    task,
    {
      stage: stage.stage satisfies Stage,
      reconstructionWeight: training.reconstructionWeight,
      everyStep,
      fixedEncoder: stage.encoder === 'fixed',
      adaptedTo: adaptedSet(data.model, { ...task, mirrored }, (length) => memory.take(length)),
      relaxation: {
        mask:
          stage.stage === 'search' ? pathMask(data.model, fold(key, 'paths'), training.pathDropout) : null,
        temperature,
      },
    },
  );
  layout.pack(result.gradients, data.gradients[position]);
  return {
    domain: domain.name,
    loss: result.query.loss,
    accuracy: result.query.accuracy,
    supportBefore: result.support?.before.loss ?? null,
    supportAfter: result.support?.after.loss ?? null,
    reconstruction: result.reconstruction,
    genotype: result.genotype && genotypeKey(result.genotype),
  } satisfies GradientResult;
};

function domainOf({ domains }: TrainingWorkerData, wanted: string): ImageDomain {
  const domain = domains.find(({ name }) => name === wanted);
  if (!domain) throw new Error(`no domain ${wanted}`);
  return domain;
}

/** Accuracy of one task of a domain, served and transductive. */
const evaluationJob: Job = async (payload, context) => {
  const request = payload as EvaluationPayload & { readonly genotypes: readonly Genotype[] };
  const data = context.workerData as TrainingWorkerData;
  const domain = domainOf(data, request.domain);
  return evaluateTask(runnerOf(context, data.model, request.genotypes), parametersOf(data), domain, request);
};

/** The embedding of one task, and the architecture that the controller alone gives it. */
const genotypeJob: Job = async (payload, context) => {
  const request = payload as EvaluationPayload;
  const data = context.workerData as TrainingWorkerData;
  const domain = domainOf(data, request.domain);
  const key = fold(keyFrom(request.seed), 'genotype', domain.name, request.task);
  const shape = possibleShape(domain, request.split, request.shape);
  const { size, support } = metaTaskOf(sampleTask(key, domain, request.split, shape));
  const free = new TaskRunner(data.model, context.executor);
  const { architecture, embedding } = await free.embed(parametersOf(data), support, size);
  return {
    architecture: architecture!,
    genotype: free.decode(architecture),
    embedding,
  } satisfies DrawnArchitecture & Pick<Embedded, 'embedding'>;
};

/** The open set of one task, by the checkpoint's exported child. */
const openSetJob: Job = async (payload, context) => {
  const request = payload as OpenSetPayload & { readonly genotypes: readonly Genotype[] };
  const data = context.workerData as TrainingWorkerData;
  const domain = domainOf(data, request.domain);
  const { genotypes } = request;
  const parameters = parametersOf(data);
  const checkpoint = { id: 'evaluated', configuration: data.model, parameters, genotypes, training: {} };
  return evaluateOpenSet(checkpoint, context, domain, request);
};

export const jobs: JobTable = {
  gradient: gradientJob,
  evaluate: evaluationJob,
  genotype: genotypeJob,
  openSet: openSetJob,
};
