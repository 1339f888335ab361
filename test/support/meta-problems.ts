import type { TestOptions } from 'vitest';
import type { ModelConfiguration, Stage } from '../../model/configuration.ts';
import { cellNames, edgeCount, operationNames } from '../../model/search-space/genotype.ts';
import { stepwiseGradient } from '../../model/meta-gradient/inner-gradient.ts';
import { withMirrorImages } from '../../model/adaptation/mirror-images.ts';
import { metaGradient } from '../../model/meta-gradient/meta-gradient.ts';
import type { MetaGradient, MetaGradientOptions } from '../../model/meta-gradient/meta-gradient.ts';
import type { ParameterGroup } from '../../model/layers/parameter-specification.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import { fold, keyFrom, uniform } from '../../model/random.ts';
import type { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import { noisyParameters, referenceRunner, smallConfiguration, smallTask } from './meta-task.ts';
import type { SmallOptions } from './meta-task.ts';
import type { ReferencePrograms } from './reference-programs.ts';
import type { MetaTask } from '../../model/task/labelled-set.ts';
import { slowUnless } from './slow.ts';

export interface Case extends SmallOptions {
  readonly stage: Stage;
  readonly way: number;
  readonly masked?: boolean;
  readonly alphaTemperature?: number;
  readonly entropyWeight?: number;
  /** The network is adapted to the support set with its mirror images. */
  readonly mirrored?: boolean;
  /** Whether `npm test` runs it: the few that differ most. The others run by `npm run test:slow`. */
  readonly always?: boolean;
}

/** Every stage, network, head, normalisation, modulator, controller, encoder, stride, features, adapted set and kind of inner loop. */
const cases: readonly Case[] = [
  { stage: 'search', way: 2, nodes: 2 },
  {
    stage: 'search',
    way: 3,
    head: 'shared',
    statistics: 'batch',
    modulator: 'full',
    masked: true,
    alphaTemperature: 0.5,
  },
  { stage: 'search', way: 3, statistics: 'batch', modulator: 'none', controller: 'shared' },
  { stage: 'tune', way: 2, head: 'shared', always: true },
  { stage: 'retrain', way: 3, nodes: 2 },
  { stage: 'retrain', way: 2, head: 'shared', statistics: 'batch', modulator: 'full' },
  { stage: 'retrain', way: 2, head: 'shared', modulator: 'none' },
  { stage: 'retrain', way: 2, network: 'conv4', head: 'shared' },
  { stage: 'retrain', way: 3, network: 'conv4', statistics: 'batch' },
  { stage: 'search', way: 2, exactSteps: 0 },
  { stage: 'retrain', way: 3, exactSteps: 2 },
  { stage: 'retrain', way: 2, rates: 'learned', encoder: 'set', always: true },
  { stage: 'retrain', way: 3, steps: 0, always: true },
  { stage: 'retrain', way: 2, steps: 0, statistics: 'batch' },
  { stage: 'retrain', way: 2, nodes: 2, stride: 2 },
  { stage: 'retrain', way: 2, network: 'conv4', exactSteps: 2, always: true },
  { stage: 'retrain', way: 2, network: 'conv4', head: 'shared', stride: 2, always: true },
  { stage: 'retrain', way: 2, network: 'conv4', head: 'linear', always: true },
  { stage: 'retrain', way: 3, head: 'linear' },
  { stage: 'search', way: 2, nodes: 2, rectified: true },
  { stage: 'retrain', way: 3, rectified: true, mirrored: true },
  {
    stage: 'search',
    way: 2,
    rates: 'learned',
    exactSteps: 1,
    head: 'shared',
    encoder: 'bidirectional',
    always: true,
  },
  // the two of three ways that take longest, with two
  {
    stage: 'search',
    way: 2,
    head: 'shared',
    statistics: 'batch',
    modulator: 'full',
    masked: true,
    alphaTemperature: 0.5,
    entropyWeight: 0.3,
    always: true,
  },
  { stage: 'retrain', way: 2, rectified: true, mirrored: true, always: true },
];

export interface Problem {
  readonly entry: Case;
  readonly seed: number;
  readonly configuration: ModelConfiguration;
  readonly task: MetaTask;
  /** The task as the network adapts to it: with the mirror images, if any. */
  readonly adapted: MetaTask;
  readonly parameters: Record<string, Float32Array>;
  readonly options: MetaGradientOptions;
}

function problemOf(entry: Case, seed: number): Problem {
  const {
    stage,
    way,
    masked = false,
    alphaTemperature = 1,
    entropyWeight = 0,
    mirrored = false,
    ...small
  } = entry;
  const configuration = smallConfiguration(small);
  const rows = cellNames.length * edgeCount(configuration.supernet.nodes);
  const draws = uniform(fold(keyFrom(seed), 'mask'), rows * operationNames.length);
  // one operation of every edge always stays
  const mask = Float32Array.from(draws, (u, i) => Number(u > 0.3 || i % operationNames.length === 4));
  const task = smallTask(configuration, way, 10 * seed);
  const support = mirrored ? withMirrorImages(task.support, configuration.image.size) : task.support;
  return {
    entry,
    seed,
    configuration,
    task,
    adapted: { ...task, support, size: { ...task.size, support: support.count } },
    parameters: noisyParameters(configuration, seed),
    options: {
      stage,
      ...(mirrored ? { adaptedTo: support } : {}),
      reconstructionWeight: 0.1,
      relaxation: { mask: masked ? mask : null, alphaTemperature, entropyWeight },
    },
  };
}

const problems = cases.map((entry, i) => problemOf(entry, i + 1));

/** The problems that `of` holds for, with their names and the options of their tests. */
export const table = (of: (entry: Case) => boolean): [string, TestOptions, Problem][] =>
  problems
    .filter(({ entry }) => of(entry))
    .map((problem) => {
      const { always = false, ...named } = problem.entry;
      return [JSON.stringify(named).replaceAll('"', ''), slowUnless(always), problem];
    });

interface Reference {
  readonly result: MetaGradient;
  readonly runner: TaskRunner;
  readonly programs: ReferencePrograms;
}

const references = new Map<Problem, Promise<Reference>>();

/** The meta-gradient with every graph in float64, once a problem. */
export function referenceOf(problem: Problem): Promise<Reference> {
  const compute = async (): Promise<Reference> => {
    const { runner, programs } = referenceRunner(problem.configuration);
    const { parameters, task, options } = problem;
    return {
      result: await metaGradient(runner, parameters, task, options, stepwiseGradient),
      runner,
      programs,
    };
  };
  const reference = references.get(problem) ?? compute();
  references.set(problem, reference);
  return reference;
}

/** The parameters of a group, by name. */
export const namesOf = (configuration: ModelConfiguration, group: ParameterGroup): string[] =>
  parameterSpecifications(configuration)
    .filter((specification) => specification.group === group)
    .map(({ name }) => name);

/** Those of `values` that are named. */
export const only = <T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
