import { parseModelConfiguration } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { initialParameters, parameterSpecifications } from '../../model/parameters.ts';
import { fold, keyFrom, normal, uniform } from '../../model/random.ts';
import { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import { oneHotTargets } from '../../model/task/labelled-set.ts';
import type { LabelledSet, MetaTask } from '../../model/task/labelled-set.ts';
import { compilesNothing, ReferencePrograms } from './reference-programs.ts';

/** The parts of a configuration that change what is computed; sizes are as small as the model allows. */
export interface SmallOptions {
  readonly network?: ModelConfiguration['network']['kind'];
  readonly nodes?: number;
  readonly controller?: ModelConfiguration['controller']['kind'];
  readonly modulator?: ModelConfiguration['modulator']['kind'];
  readonly head?: ModelConfiguration['head']['kind'];
  readonly statistics?: ModelConfiguration['normalization']['statistics'];
  readonly steps?: number;
  readonly exactSteps?: number;
  readonly rates?: ModelConfiguration['innerLoop']['rates'];
  readonly encoder?: ModelConfiguration['encoder']['kind'];
  /** Of the first convolution; the later layers are equally small. */
  readonly stride?: ModelConfiguration['image']['stride'];
  readonly rectified?: boolean;
}

export function smallConfiguration({
  network = 'cells',
  nodes = 1,
  controller = 'task-aware',
  modulator = 'channel',
  head = 'prototype',
  statistics = 'support',
  steps = 5, // 0: of a stage alone
  exactSteps,
  rates = 'fixed',
  encoder = 'recurrent',
  stride = 1,
  rectified = false,
}: SmallOptions = {}): ModelConfiguration {
  const parsed = parseModelConfiguration({
    image: { size: 16 * stride, stride },
    network: network === 'conv4' ? { kind: network, filters: 2 } : { kind: network },
    supernet: { channels: 2, nodes, stem: [3, 4], rectified },
    encoder: { kind: encoder, features: 4, state: 6 },
    controller: { kind: controller, hidden: 4 },
    modulator: { kind: modulator },
    head: head === 'linear' ? { kind: head, outputs: 3 } : { kind: head },
    normalization: { statistics },
    innerLoop: { learningRate: 0.05, rates, ...(exactSteps === undefined ? {} : { exactSteps }) },
  });
  return { ...parsed, innerLoop: { ...parsed.innerLoop, steps } };
}

/**
 * Initial parameters with noise on every one: at the initial values themselves the modulator's weights are zero, and
 * nothing would flow through it into the encoder.
 */
export function noisyParameters(
  configuration: ModelConfiguration,
  seed: number,
): Record<string, Float32Array> {
  const key = keyFrom(seed);
  const initial = initialParameters(configuration, key);
  return Object.fromEntries(
    parameterSpecifications(configuration).map(({ name, shape, group }) => {
      const noise = normal(fold(key, 'noise', name), sizeOf(shape));
      const scale = group === 'head' ? 0.02 : group === 'controller' ? 0.5 : 0.2;
      return [name, initial[name]!.map((x, i) => x + scale * noise[i]!)];
    }),
  );
}

function labelledSet(size: number, count: number, way: number, seed: number): LabelledSet {
  const labels = Array.from({ length: count }, (_, i) => i % way);
  const images = Float32Array.from(uniform(keyFrom(seed), count * 3 * size * size));
  return { images, targets: oneHotTargets(labels, way), count };
}

export function smallTask({ image }: ModelConfiguration, way: number, seed: number): MetaTask {
  const [support, query] = [4, 3];
  return {
    size: { way, support },
    support: labelledSet(image.size, support, way, seed),
    query: labelledSet(image.size, query, way, seed + 1),
  };
}

/** A runner whose graphs are evaluated in float64. */
export function referenceRunner(configuration: ModelConfiguration): {
  runner: TaskRunner;
  programs: ReferencePrograms;
} {
  const programs = new ReferencePrograms();
  return { runner: new TaskRunner(configuration, compilesNothing, [], programs), programs };
}
