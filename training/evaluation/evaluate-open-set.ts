import { adaptTask, labelsOf } from '../../model/adaptation/adapt-task.ts';
import { calibrateOpenSet, isForeign, knownOf } from '../../model/adaptation/open-set.ts';
import type { OpenSet } from '../../model/adaptation/open-set.ts';
import { solvedAnswer } from '../../model/adaptation/solved-answer.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../../model/graph/executor.ts';
import { startValues } from '../../model/inner-loop/solved-network.ts';
import type { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { ImageDomain, Split } from '../data/domain.ts';
import { sampleTask } from '../data/tasks.ts';
import type { ImageMemory, LabelledImages } from '../data/tasks.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { areaUnderCurve } from '../report/statistics.ts';
import { chooseServed, heldOutTask } from './trunk-tasks.ts';

export interface OpenSetPayload {
  readonly domain: string;
  readonly split: Split;
  readonly way: number;
  /** Classes that the queries have beside those of the support set. */
  readonly foreign: number;
  readonly shot: number;
  /** Query images a class, of the foreign ones too. */
  readonly query: number;
  readonly seed: number;
  readonly task: number;
}

/** How well the exported model of one task tells images of its classes from foreign ones; all in 0..1. */
export interface OpenSetEvaluation {
  /** Area under the ROC curve of the output `known`: 0.5 is chance. */
  readonly auroc: number;
  /** Images of the task's classes with `known` ≥ 0.5. */
  readonly accepted: number;
  /** Foreign images with `known` ≥ 0.5. */
  readonly foreignAccepted: number;
  /** The threshold that is chosen from the task's support set. */
  readonly threshold: number;
  /** Images of the task's classes that reach it. */
  readonly passed: number;
  /** Foreign images that reach it. */
  readonly foreignPassed: number;
}

/** Adapts to one sampled task as the service does, and runs the exported model on queries of its classes and of others. */
export async function evaluateOpenSet(
  checkpoint: Checkpoint,
  { executor, models }: { readonly executor: Executor; readonly models: ModelRunner },
  domain: ImageDomain,
  payload: OpenSetPayload,
): Promise<OpenSetEvaluation> {
  const { way, foreign, shot, query, split, seed, task } = payload;
  const key = fold(keyFrom(seed), 'open set', domain.name, task);
  const drawn = sampleTask(key, domain, split, { way: way + foreign, shot, query });
  const length = 3 * drawn.size ** 2;
  const images = ({ images: pixels, labels }: LabelledImages, wanted: (label: number) => boolean) =>
    [...labels.entries()]
      .filter(([, label]) => wanted(label))
      .map(([i, label]) => ({
        label: String(label),
        pixels: pixels.subarray(i * length, (i + 1) * length),
      }));
  const own = (label: number): boolean => label < way;
  const { steps } = checkpoint.configuration.innerLoop;
  const { model, openSet } = await adaptTask(checkpoint, images(drawn.support, own), { steps }, executor);
  const known = images(drawn.query, own);
  const asked = [...known, ...images(drawn.query, (label) => !own(label))];
  const data = new Float32Array(asked.length * length);
  asked.forEach(({ pixels }, i) => data.set(pixels, i * length));
  const program = await models.model(`open set ${domain.name} ${shot} ${task}`, () => model);
  const shape = [asked.length, 3, drawn.size, drawn.size];
  const scores = (await program.run({ image: { data, shape } }))['known']!.data;
  return openSetOf(scores.subarray(0, known.length), scores.subarray(known.length), openSet);
}

/** The same on a trunk, from kept planes. */
export async function evaluateTrunkOpenSet(
  runner: TaskRunner,
  parameters: Parameters,
  domain: PlaneDomain,
  payload: OpenSetPayload,
  memory: ImageMemory,
): Promise<OpenSetEvaluation> {
  const { way, foreign, shot, query, split, seed, task: number } = payload;
  const key = fold(keyFrom(seed), 'open set', domain.name, number);
  const drawn = { split, shape: { way, shot, query }, alphaTemperature: 1, foreign };
  const heldOut = await heldOutTask(runner, parameters, domain, drawn, key, memory);
  const { task, embedded } = heldOut;
  const { network } = await chooseServed(runner, parameters, heldOut, 'retrain');
  const start = startValues(network, parameters, embedded.modulated);
  const { steps } = runner.configuration.innerLoop;
  const { features } = await solvedAnswer(runner, network, start, task, steps);
  const openSet = calibrateOpenSet({ features: features.support, labels: labelsOf(task.support, way), way });
  const known = knownOf(features.query, openSet, way);
  const labels = labelsOf(task.query, way + foreign);
  const scores = (own: boolean): Float32Array => known.filter((_, i) => labels[i]! < way === own);
  return openSetOf(scores(true), scores(false), openSet);
}

/** From the scores of images of the task's classes and of foreign ones. */
function openSetOf(
  inside: Float32Array,
  outside: Float32Array,
  { threshold }: Pick<OpenSet, 'threshold'>,
): OpenSetEvaluation {
  const reaching = (part: Float32Array, least: number): number =>
    part.filter((score) => !isForeign(score, least)).length / part.length;
  return {
    auroc: areaUnderCurve(inside, outside),
    accepted: reaching(inside, 0.5),
    foreignAccepted: reaching(outside, 0.5),
    threshold,
    passed: reaching(inside, threshold),
    foreignPassed: reaching(outside, threshold),
  };
}
