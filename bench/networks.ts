import { conv4 } from '../model/conv4.ts';
import { parseModelConfiguration } from '../model/configuration.ts';
import type { Executor } from '../model/graph/executor.ts';
import { sizeOf } from '../model/graph/shapes.ts';
import { unrolledMetaGradient } from '../model/maml.ts';
import { initialParameters } from '../model/parameters.ts';
import { Programs } from '../model/programs.ts';
import type { Values } from '../model/programs.ts';
import { fold, keyFrom, normal } from '../model/random.ts';
import { innerGradient } from '../model/inner-loop.ts';
import type { MetaTask, TaskRun } from '../model/inner-loop.ts';
import { TaskRunner } from '../model/task.ts';
import type { LabelledSet } from '../model/task.ts';
import { learningRate, randomSets } from './workload.ts';
import type { Workload } from './workload.ts';

/** A workload made ready: `run` computes one meta-gradient, by weight name. */
export interface MetaGradientTask {
  /** Number of weights that the inner loop adapts. */
  readonly weights: number;
  readonly run: () => Promise<Values>;
}

const initial = (name: string, length: number, deviation: number, mean = 0): Float32Array =>
  Float32Array.from(normal(fold(keyFrom(1), name), length), (value: number) => mean + deviation * value);

/** MAML on conv4, one unrolled graph. */
function conv4Task(workload: Workload, executor: Executor): MetaGradientTask {
  const { size, way, shot, query, steps } = workload;
  const learner = conv4({ size, way, filters: 32 });
  const programs = new Programs(executor, 'conv4');
  const weights = Object.fromEntries(
    learner.weights.map(({ name, shape, deviation, mean }) => [
      name,
      initial(name, sizeOf(shape), deviation, mean),
    ]),
  );
  const sets = randomSets(workload);
  const inner = { support: way * shot, query: way * query, steps, learningRate };
  return {
    weights: learner.weights.reduce((total, { shape }) => total + sizeOf(shape), 0),
    run: () =>
      programs.run(JSON.stringify(workload), () => unrolledMetaGradient(learner, inner), weights, sets),
  };
}

/**
 * The relaxed supernet with a linear head of one vector for all classes, by the code that trains it. Normalised by the
 * batch; without encoder and controller, so the gradient is that of the weights and of the architecture α.
 */
function supernetTask(workload: Workload, executor: Executor): MetaGradientTask {
  const { size: side, way, steps } = workload;
  const configuration = parseModelConfiguration({
    image: { size: side },
    head: { kind: 'shared' },
    normalization: { statistics: 'batch' },
    innerLoop: { steps, learningRate },
  });
  const runner = new TaskRunner(configuration, executor);
  const network = runner.supernet();
  const parameters = initialParameters(configuration, keyFrom(1));
  const mixes = Object.fromEntries(
    network.graphs.mixes.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape)).fill(1 / 8)]),
  );
  const taskRun: TaskRun = { runner, network, mixes, task: randomTask(workload) };
  const run = async (): Promise<Values> => {
    const { toBody, toMixes, toHead } = await innerGradient(taskRun, parameters, parameters);
    return { ...toBody, ...toMixes, ...toHead };
  };
  const adapted = network.graphs.adapted(way);
  // The PyTorch script's head has no bias.
  return { weights: adapted.reduce((total, { shape }) => total + sizeOf(shape), 0) - way, run };
}

function randomTask(workload: Workload): MetaTask {
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
