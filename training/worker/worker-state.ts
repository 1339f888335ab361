import type { ModelConfiguration } from '../../model/configuration.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import type { Augmentation } from '../data/augment.ts';
import { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import { LocalCopy, ParameterLayout } from '../run/parameter-vector.ts';
import { TaskMemory } from '../data/task-memory.ts';
import type { JobContext } from '../../engine/jobs.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';

/** What every worker of a training run is given once. */
export interface TrainingWorkerData {
  readonly model: ModelConfiguration;
  /** Decoded; none where the model stands on a trunk. */
  readonly domains: readonly ImageDomain[];
  /** Of a model on a trunk. */
  readonly planes?: readonly PlaneDomain[];
  readonly weights: readonly number[];
  readonly augmentations: readonly Augmentation[];
  readonly seed: number;
  /** Θ on shared memory, rewritten by the trainer between jobs. */
  readonly parameters: Float32Array;
  /** On shared memory, one a task of a meta-batch: where its gradient is written. */
  readonly gradients: readonly Float32Array[];
}

/** Domains as workers are given them: decoded, or of kept planes. */
export function domainData(
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
): Pick<TrainingWorkerData, 'domains' | 'planes'> {
  const planes = domains.filter((domain): domain is PlaneDomain => 'pixelHash' in domain);
  if (planes.length > 0) return { domains: [], planes };
  return { domains: domains.filter((domain): domain is ImageDomain => 'pixels' in domain) };
}

/** Runners that are kept between jobs: those of a stage, of each architecture that it draws, and of validation. */
const keptRunners = 18;
let runners = new Map<string, TaskRunner>();
/** This worker's copy of Θ. */
const local = new LocalCopy();

/** Memory of the images of the task at hand. */
export const memory = new TaskMemory();

/** The runner of a configuration whose tasks are decoded to one of `genotypes`; the last ones are kept. */
export function runnerOf(
  { executor }: Pick<JobContext, 'executor'>,
  configuration: ModelConfiguration,
  genotypes: readonly Genotype[],
): TaskRunner {
  const key = [JSON.stringify(configuration.innerLoop), ...genotypes.map(genotypeKey)].join(' ');
  const known = runners.get(key);
  if (known) return known;
  const runner = new TaskRunner(configuration, executor, genotypes);
  runners = new Map([...[...runners].slice(1 - keptRunners), [key, runner]]);
  return runner;
}

/** Where the parameters lie in the vectors on shared memory. */
export const layoutOf = ({ model }: TrainingWorkerData): ParameterLayout =>
  new ParameterLayout(parameterSpecifications(model));

/** Θ by name, as the trainer has last written it. */
export const parametersOf = (data: TrainingWorkerData, layout = layoutOf(data)): Parameters =>
  local.of(data.parameters, layout);

/** @throws Error when the run has no such domain */
export function domainNamed<D extends { readonly name: string }>(domains: readonly D[], wanted: string): D {
  const domain = domains.find(({ name }) => name === wanted);
  if (!domain) throw new Error(`no domain ${wanted}`);
  return domain;
}
