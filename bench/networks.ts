import { parseModelConfiguration } from '../model/configuration.ts';
import type { Executor } from '../model/graph/executor.ts';
import { sizeOf } from '../model/graph/shapes.ts';
import { initialParameters } from '../model/parameters.ts';
import type { Values } from '../model/graph/programs.ts';
import { keyFrom } from '../model/random.ts';
import { innerGradient } from '../model/meta-gradient/inner-gradient.ts';
import type { TaskRun } from '../model/meta-gradient/inner-gradient.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import type { TaskNetwork } from '../model/inner-loop/task-runner.ts';
import { learningRate, randomSets } from './workload.ts';
import type { TaskSizes, Workload } from './workload.ts';
import type { MetaTask, LabelledSet } from '../model/task/labelled-set.ts';

/** A workload made ready: `run` computes one meta-gradient, by weight name. */
export interface MetaGradientTask {
  /** Number of weights that the inner loop adapts. */
  readonly weights: number;
  readonly run: () => Promise<Values>;
}

/** MAML's conv4. */
const conv4Task = (workload: Workload, executor: Executor): MetaGradientTask =>
  networkTask({ network: { kind: 'conv4' } }, (runner) => runner.conv4(), workload, executor);

/** The relaxed supernet, without encoder and controller: the gradient is that of the weights and of the architecture α. */
const supernetTask = (workload: Workload, executor: Executor): MetaGradientTask =>
  networkTask({}, (runner) => runner.supernet(), workload, executor);

/** A network with a linear head of one vector for all classes, normalised by the batch, by the code that trains it. */
function networkTask(
  model: object,
  choose: (runner: TaskRunner) => TaskNetwork,
  workload: Workload,
  executor: Executor,
): MetaGradientTask {
  const { size: side, way, steps } = workload;
  const configuration = parseModelConfiguration({
    ...model,
    image: { size: side },
    head: { kind: 'shared' },
    normalization: { statistics: 'batch' },
    innerLoop: { steps, learningRate },
  });
  const runner = new TaskRunner(configuration, executor);
  const network = choose(runner);
  const parameters = initialParameters(configuration, keyFrom(1));
  const mixes = Object.fromEntries(
    network.graphs.mixes.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape)).fill(1 / 8)]),
  );
  const taskRun: TaskRun = { runner, network, mixes, task: randomTask(workload) };
  const run = async (): Promise<Values> => {
    const { toModulated, toMixes, toOthers } = await innerGradient(taskRun, parameters, parameters);
    return { ...toModulated, ...toMixes, ...toOthers };
  };
  const adapted = network.graphs.adapted(way);
  return { weights: adapted.reduce((total, { shape }) => total + sizeOf(shape), 0), run };
}

/** A task of random images, for timing. */
export function randomTask(workload: TaskSizes): MetaTask {
  const { way, shot, query } = workload;
  const sets = randomSets(workload);
  const set = (name: 'support' | 'query', count: number): LabelledSet => ({
    images: sets[`${name}.images`]!,
    targets: sets[`${name}.targets`]!,
    count,
  });
  const support = way * shot;
  return { size: { way, support }, support: set('support', support), query: set('query', way * query) };
}

export const networkTasks: {
  readonly [N in Workload['network']]: (workload: Workload, executor: Executor) => MetaGradientTask;
} = { conv4: conv4Task, supernet: supernetTask };
