import { fileURLToPath } from 'node:url';
import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import type { ModelConfiguration } from '../model/configuration.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { metaGradient } from '../model/meta-gradient/meta-gradient.ts';
import { initialParameters } from '../model/parameters.ts';
import { keyFrom } from '../model/random.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import { readTrainingConfiguration, stageModel } from '../training/outer-loop/configuration.ts';
import type { StageConfiguration } from '../training/outer-loop/configuration.ts';
import { timesInTurn } from './in-turn.ts';
import { median } from './median.ts';
import { randomTask } from './networks.ts';
import { noRelaxation } from '../model/controller/relaxation.ts';

export interface ImagesPlan {
  /** A configuration of training/configs/images. */
  readonly row: string;
  /** Stages that are timed; all where it is absent. */
  readonly stages?: readonly string[] | undefined;
  /** Measured of every shape, after one that compiles and one that gets the memory from the system. */
  readonly runs: number;
}

/** Milliseconds of one task's gradient of Θ, of encoder (where it is trained) and modulator, too, on one thread. */
export interface ImagesTimes {
  readonly stage: StageConfiguration['stage'];
  readonly steps: number;
  readonly way: number;
  readonly shot: number;
  readonly query: number;
  readonly least: number;
  readonly median: number;
}

/** The child that is timed: a separable convolution 3x3 and one 5x5 into every node. */
function timedGenotype({ supernet }: ModelConfiguration): Genotype {
  const node = [
    { operation: 'sep_conv_3x3' as const, input: 0 },
    { operation: 'sep_conv_5x5' as const, input: 1 },
  ];
  const cell = { nodes: Array.from({ length: supernet.nodes }, () => node) };
  return { normal: cell, reduction: cell };
}

/** Times what the stages of a row of the image study compute for one task of each of their shapes, on random images. */
export async function* benchImages({ row, stages, runs }: ImagesPlan): AsyncGenerator<ImagesTimes> {
  const path = fileURLToPath(new URL(`../training/configs/images/${row}.yaml`, import.meta.url));
  const configuration = await readTrainingConfiguration(path);
  const parameters = initialParameters(configuration.model, keyFrom(1));
  const { reconstructionWeight } = configuration;
  for (const stage of configuration.stages) {
    if (stages && !stages.includes(stage.stage)) continue;
    const options = {
      stage: stage.stage,
      fixedEncoder: stage.encoder === 'fixed',
      reconstructionWeight,
      relaxation: noRelaxation,
    };
    const model = stageModel(configuration.model, stage);
    for (const { way, shot, query } of stage.shapes) {
      const executor = createOnnxExecutor({
        provider: 'cpu',
        threads: 1,
        cacheSize: 8,
        memoryPattern: false,
      });
      const runner = new TaskRunner(model, executor, [timedGenotype(model)]);
      const task = randomTask({ way, shot, query, size: model.image.size });
      const { times } = await timesInTurn(runs, {
        times: () => metaGradient(runner, parameters, task, options),
      });
      await executor.dispose();
      const { steps } = model.innerLoop;
      const shape = { stage: stage.stage, steps, way, shot, query };
      yield { ...shape, least: Math.min(...times), median: median(times) };
    }
  }
}
