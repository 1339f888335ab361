import type { ModelConfiguration } from '../../../../model/configuration.ts';
import type { Executor } from '../../../../model/graph/executor.ts';
import { Programs } from '../../../../model/graph/programs.ts';
import type { Values } from '../../../../model/graph/programs.ts';
import { fold, uniform } from '../../../../model/random.ts';
import type { Key } from '../../../../model/random.ts';
import { fitOf, sizeKey, supportInputs } from '../../../../model/task/labelled-set.ts';
import type { Fit, MetaTask } from '../../../../model/task/labelled-set.ts';
import { answersFunction, metaGradientFunction } from './graphs.ts';
import type { TaskGraphSize } from './graphs.ts';
import type { ImageMethod } from './method.ts';

/** What the outer loop gets of a task: gradients by the name of Θ's tensors, and the fit of the query set. */
export interface SystemGradient {
  readonly gradients: Values;
  readonly query: Fit;
}

/** Logits of a query set, [n, way], normalised by the support set and, if asked, by itself. */
export interface SystemAnswers {
  readonly served: Float32Array;
  readonly transductive?: Float32Array;
  /** z_i, of a system that has one. */
  readonly embedding?: Float32Array;
}

/** A system of the tables as workers run it; `key` is that of everything random in a task. */
export interface BaselineSystem {
  gradient(parameters: Values, task: MetaTask, key: Key): Promise<SystemGradient>;
  answers(parameters: Values, task: MetaTask, key: Key, transductive: boolean): Promise<SystemAnswers>;
}

/** Noise of at least this and at most 1 minus this, whose logarithms are finite. */
const margin = 1e-6;

/** The system of a method, one graph for all of a task. */
export class MethodSystem implements BaselineSystem {
  readonly #method: ImageMethod;
  readonly #model: ModelConfiguration;
  readonly #programs: Programs;

  constructor(
    method: ImageMethod,
    model: ModelConfiguration,
    executor: Executor,
    programs = new Programs(executor, 'baseline'),
  ) {
    this.#method = method;
    this.#model = model;
    this.#programs = programs;
  }

  async gradient(parameters: Values, task: MetaTask, key: Key): Promise<SystemGradient> {
    const size = this.#sizeOf(task);
    const { loss, logits, ...gradients } = await this.#programs.run(
      `gradient ${sizeKey(size)} ${size.query}`,
      () => metaGradientFunction(this.#method, size, this.#model.normalization.statistics),
      parameters,
      this.#inputs(task, key),
    );
    return { gradients, query: fitOf({ loss: loss!, logits: logits! }, task.query, size.way) };
  }

  async answers(parameters: Values, task: MetaTask, key: Key, transductive: boolean): Promise<SystemAnswers> {
    const size = this.#sizeOf(task);
    const { served, ...more } = await this.#programs.run(
      `answers ${sizeKey(size)} ${size.query} ${transductive}`,
      () => answersFunction(this.#method, size, transductive),
      parameters,
      this.#inputs(task, key),
    );
    return { served: served!, ...more };
  }

  #sizeOf({ size, query }: MetaTask): TaskGraphSize {
    return { ...size, query: query.count, side: this.#model.image.size };
  }

  #inputs({ support, query }: MetaTask, key: Key): Values {
    const { noise = 0 } = this.#method;
    return {
      ...supportInputs(support),
      'query.images': query.images,
      'query.targets': query.targets,
      ...(noise > 0
        ? {
            noise: Float32Array.from(uniform(fold(key, 'noise'), noise), (u: number) =>
              Math.min(Math.max(u, margin), 1 - margin),
            ),
          }
        : {}),
    };
  }
}
