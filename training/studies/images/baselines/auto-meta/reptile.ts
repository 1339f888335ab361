import type { ModelConfiguration } from '../../../../../model/configuration.ts';
import type { Values } from '../../../../../model/graph/programs.ts';
import { fold, permutation } from '../../../../../model/random.ts';
import type { Key } from '../../../../../model/random.ts';
import type { NetworkTask, TaskRunner } from '../../../../../model/inner-loop/task-runner.ts';
import { inOneShot } from '../../../../../model/meta-gradient/meta-gradient.ts';
import type { Genotype } from '../../../../../model/search-space/genotype.ts';
import type { Fit, LabelledSet, MetaTask } from '../../../../../model/task/labelled-set.ts';
import type { BaselineSystem, SystemAnswers, SystemGradient } from '../system.ts';

/** The inner loop of a training task. */
export interface ReptileSteps {
  readonly steps: number;
  /** Images of a step. */
  readonly batch: number;
}

/** The images of step `step`: the next ones of an order that is drawn anew when all were seen. */
function batchOf(set: LabelledSet, way: number, batch: number, step: number, key: Key): LabelledSet {
  const { count } = set;
  const pixels = set.images.length / count;
  const images = new Float32Array(batch * pixels);
  const targets = new Float32Array(batch * way);
  for (let i = 0; i < batch; i++) {
    const place = step * batch + i;
    const image = permutation(fold(key, 'order', Math.floor(place / count)), count)[place % count]!;
    images.set(set.images.subarray(image * pixels, (image + 1) * pixels), i * pixels);
    targets.set(set.targets.subarray(image * way, (image + 1) * way), i * way);
  }
  return { images, targets, count: batch };
}

/**
 * Reptile (Nichol et al. 2018) on a child with a linear head: a task's gradient is where its inner loop started minus where
 * it ended, divided by rate and steps. Theirs is Adam without momentum in the inner loop, ours the SGD of Eq. 8; the outer
 * step is Adam's, which they name as an alternative.
 */
export class ReptileSystem implements BaselineSystem {
  readonly #model: ModelConfiguration;
  readonly #inner: ReptileSteps;
  readonly #runner: TaskRunner;
  readonly #genotype: Genotype;

  constructor(model: ModelConfiguration, inner: ReptileSteps, runner: TaskRunner, genotype: Genotype) {
    this.#model = model;
    this.#inner = inner;
    this.#runner = runner;
    this.#genotype = genotype;
  }

  async gradient(parameters: Values, task: MetaTask, key: Key): Promise<SystemGradient> {
    const { steps } = this.#inner;
    const { way } = task.size;
    const start = await this.#start(parameters, task);
    let weights: Values = start;
    let fit: Fit | undefined;
    const batch = Math.min(this.#inner.batch, task.support.count);
    for (let step = 0; step < steps; step++) {
      const support = batchOf(task.support, way, batch, step, key);
      const stepped = await this.#runner.innerStep(
        this.#on({ ...task, support, size: { way, support: batch } }),
        weights,
      );
      ({ weights, fit } = stepped);
    }
    const scale = 1 / (this.#model.innerLoop.learningRate * steps);
    const entries = Object.entries(start).map(([name, before]) => {
      const after = weights[name]!;
      return [name, before.map((x, i) => (x - after[i]!) * scale)] as const;
    });
    return { gradients: this.#inMetaWeights(Object.fromEntries(entries)), query: fit! };
  }

  async answers(
    parameters: Values,
    task: MetaTask,
    _key: Key,
    transductive: boolean,
  ): Promise<SystemAnswers> {
    const on = this.#on(task);
    const { steps } = this.#model.innerLoop;
    let weights = await this.#start(parameters, task);
    for await (const stepped of this.#runner.innerSteps(on, weights, parameters, steps))
      weights = stepped.weights;
    const answer = (statistics: 'support' | 'batch'): Promise<Float32Array> =>
      this.#runner.queryLogits(on, weights, task.query, statistics);
    return {
      served: await answer('support'),
      ...(transductive ? { transductive: await answer('batch') } : {}),
    };
  }

  #on({ support, size }: Pick<MetaTask, 'support' | 'size'>): NetworkTask {
    return { network: this.#runner.child(this.#genotype), mixes: {}, support, size };
  }

  /** The child's part of the meta-weights, and the head. */
  #start(parameters: Values, task: MetaTask): Promise<Values> {
    return this.#runner.initialWeights(this.#on(task), parameters, parameters);
  }

  /** Values of the child in the shapes of the meta-weights, zero elsewhere; of a head those of its first classes. */
  #inMetaWeights({ 'head.weight': weight, 'head.bias': bias, ...body }: Values): Values {
    const { outputs = 0 } = this.#model.head;
    const [rows, offsets] = [
      new Float32Array((outputs * weight!.length) / bias!.length),
      new Float32Array(outputs),
    ];
    rows.set(weight!);
    offsets.set(bias!);
    const { child } = this.#runner.child(this.#genotype);
    return inOneShot(this.#model, child!, { ...body, 'head.outputs': rows, 'head.offsets': offsets });
  }
}
