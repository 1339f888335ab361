import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { adaptTask } from '../../../model/adaptation/adapt-task.ts';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { decodeGenotype, edgeCount, oneHot, strengthOf } from '../../../model/search-space/genotype.ts';
import type { Genotype, GenotypeEdge } from '../../../model/search-space/genotype.ts';
import { stepRateValues } from '../../../model/inner-loop/rates.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import { childWeights } from '../../../model/network/child.ts';
import { initialParameters } from '../../../model/parameters.ts';
import { chooseNetwork } from '../../../model/meta-gradient/meta-gradient.ts';
import { fold, keyFrom } from '../../../model/random.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { sampleTask } from '../../../training/data/tasks.ts';
import { evaluateOpenSet } from '../../../training/evaluation/evaluate-open-set.ts';
import type { OpenSetEvaluation } from '../../../training/evaluation/evaluate-open-set.ts';
import { evaluateTask } from '../../../training/evaluation/evaluate-task.ts';
import type { TaskEvaluation } from '../../../training/evaluation/evaluate-task.ts';
import {
  accuracyOver,
  evaluateCheckpoint,
  evaluationTable,
  meanOverDomains,
} from '../../../training/evaluation/evaluate-checkpoint.ts';
import type { EvaluationOptions } from '../../../training/evaluation/evaluate-checkpoint.ts';
import { chooseGenotypes } from '../../../training/outer-loop/genotype-choice.ts';
import { metaTaskOf } from '../../../training/data/sampled-task.ts';
import { reliabilityOf } from '../../../training/evaluation/reliability.ts';
import { executors } from '../../support/executors.ts';
import { evaluateOpenSets, openSetTable } from '../../../training/evaluation/open-set-report.ts';
import { areaUnderCurve } from '../../../training/report/statistics.ts';
import { testRandom } from '../../support/random.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { accuracyOf } from '../../../model/task/labelled-set.ts';

const configuration = parseModelConfiguration({
  image: { size: 16 },
  supernet: { channels: 2, nodes: 1, stem: [3, 4] },
  encoder: { features: 4, state: 5 },
  controller: { hidden: 4 },
  innerLoop: { steps: 2 },
});
const checkpoint = {
  id: 'tiny',
  configuration,
  parameters: initialParameters(configuration, keyFrom(1)),
  genotypes: [],
  training: {},
};
const options: EvaluationOptions = {
  split: 'test',
  way: 3,
  shots: [1, 2],
  query: 4,
  tasks: 3,
  seed: 11,
  workers: 1,
  floors: true,
};
const domains = [syntheticDomain('a', 16), syntheticDomain('b', 16)];

/** One operation on every edge. */
function everywhere(operation: GenotypeEdge['operation']): Genotype {
  const cell = { nodes: [[0, 1].map((input) => ({ operation, input }))] };
  return { normal: cell, reduction: cell };
}

/** The checkpoint with two architectures to choose from. */
const settled = { ...checkpoint, genotypes: [everywhere('sep_conv_3x3'), everywhere('max_pool_3x3')] };

describe('accuracyOver', () => {
  it('is the mean and 1.96 standard errors, in percent', () => {
    const { mean, interval } = accuracyOver([0.2, 0.4, 0.6, 0.8]);
    expect(mean).toBeCloseTo(50, 10);
    expect(interval).toBeCloseTo((100 * 1.96 * Math.sqrt(0.2 / 3)) / 2, 10); // Σ (x - ½)² = 0.2
    expect(accuracyOver([0.3]).interval).toBe(0);
  });
});

describe('evaluateCheckpoint', () => {
  it('reports every domain and shot, the same for any number of workers, and other tasks for another seed', async () => {
    const one = await evaluateCheckpoint(settled, domains, options);
    expect(one.map(({ domain, shot, tasks }) => [domain, shot, tasks])).toEqual([
      ['a', 1, 3],
      ['a', 2, 3],
      ['b', 1, 3],
      ['b', 2, 3],
    ]);
    for (const { calibrationError, genotypes } of one) {
      expect(calibrationError).toBeGreaterThan(0);
      expect(calibrationError).toBeLessThan(100);
      expect(Object.values(genotypes).reduce((total, count) => total + count, 0)).toBe(3);
    }
    expect(await evaluateCheckpoint(settled, domains, { ...options, workers: 2 })).toEqual(one);
    const elsewhere = { ...options, shots: [1], seed: 12 };
    const [other] = await evaluateCheckpoint(settled, domains.slice(0, 1), elsewhere);
    expect(other).not.toEqual(one[0]);

    const mean = (one[0]!.served.mean + one[2]!.served.mean) / 2;
    expect(meanOverDomains(one, 1, 'served')).toBeCloseTo(mean, 10);
    expect(evaluationTable(one)).toContain(`| **mean** |  | 1 | ${mean.toFixed(2)} |`);
  });

  it('gives the means over its tasks, each evaluated on its own', async () => {
    const [domain] = domains as [ImageDomain];
    const [report] = await evaluateCheckpoint(settled, [domain], { ...options, shots: [2] });
    const runner = new TaskRunner(configuration, executors.onnxruntime(16), settled.genotypes);
    const payload = { domain: 'a', split: 'test', shape: { way: 3, shot: 2, query: 4 }, seed: 11 } as const;
    const modes = { stage: 'retrain', alphaTemperature: 1, transductive: true, floors: true } as const;
    const tasks: TaskEvaluation[] = [];
    for (let task = 0; task < 3; task++)
      tasks.push(await evaluateTask(runner, checkpoint.parameters, domain, { ...payload, ...modes, task }));
    const over = (right: (task: TaskEvaluation) => number | undefined) =>
      accuracyOver(tasks.map((task) => right(task)! / 12));
    expect(report).toMatchObject({
      served: over(({ served }) => served),
      transductive: over(({ transductive }) => transductive),
      floorPixels: over(({ pixels }) => pixels),
      floorColours: over(({ colours }) => colours),
    });
  });

  it.each([
    ['a child', configuration],
    ['a conv4', parseModelConfiguration({ ...configuration, network: { kind: 'conv4', filters: 3 } })],
    [
      'a child with learned rates',
      parseModelConfiguration({ ...configuration, innerLoop: { steps: 2, rates: 'learned' } }),
    ],
  ] as const)('adapts %s in one graph as it does step by step', async (_, model) => {
    const parameters = initialParameters(model, keyFrom(2));
    parameters['inner.rates']?.forEach((_, i, rates) => (rates[i] = Math.sin(i))); // of every step and tensor another
    const runner = new TaskRunner(model, executors.onnxruntime(16));
    const shape = { way: 3, shot: 2, query: 4 };
    const [domain] = domains as [ImageDomain];
    const payload = { domain: 'a', split: 'test', shape, seed: 5, task: 0, floors: false } as const;
    const given = await evaluateTask(runner, parameters, domain, {
      ...payload,
      stage: 'retrain',
      alphaTemperature: 1,
      transductive: true,
    });
    const key = fold(keyFrom(5), 'evaluation', 'a', 0);
    const { size, support, query } = metaTaskOf(sampleTask(key, domain, 'test', shape));
    const embedded = await runner.embed(parameters, support, size);
    const { network, mixes, genotype } = chooseNetwork(runner, embedded, 'retrain');
    const task = { network, mixes, support, size };
    let weights = await runner.initialWeights(task, parameters, embedded.modulated);
    for (let k = 0; k < model.innerLoop.steps; k++)
      ({ weights } = await runner.innerStep(task, weights, stepRateValues(model, parameters, k)));
    const logits = await runner.queryLogits(task, weights, query, 'support');
    const { confidence, ...counted } = reliabilityOf(logits, query.targets, size.way);
    const { confidence: own, ...ownCounts } = given.reliability;
    expect(ownCounts).toEqual(counted);
    confidence.forEach((sum, bin) => expect(own[bin]).toBeCloseTo(sum, 3));
    expect(given.served).toBe(Math.round(accuracyOf(logits, query.targets, size.way) * query.count));
    expect(given.genotype).toEqual(genotype);
    expect([given.queries, given.embedding.length]).toEqual([12, genotype ? 5 : 0]);
  });
});

describe('evaluateTask', () => {
  it.each([
    [1, 1],
    [3, 1],
    [1, -1],
  ])(
    'answers as the exported file does: %i shots, mirrored where %i is positive',
    async (shot, intercept) => {
      // without a modulator the embedding, which the service has of images in another order, decides nothing
      const model = parseModelConfiguration({
        ...configuration,
        modulator: { kind: 'none' },
        mirroring: { shots: 2 },
      });
      const parameters = initialParameters(model, keyFrom(2));
      parameters['mirroring']!.set([intercept], 5);
      const genotypes = [everywhere('sep_conv_3x3')];
      const executor = executors.onnxruntime(16);
      const runner = new TaskRunner(model, executor, genotypes);
      const shape = { way: 3, shot, query: 4 };
      const [domain] = domains as [ImageDomain];
      const payload = { domain: 'a', split: 'test', shape, seed: 5, task: 0, stage: 'retrain' } as const;
      const modes = { alphaTemperature: 1, transductive: false, floors: false, answers: true };
      const { answers, mirrored } = await evaluateTask(runner, parameters, domain, { ...payload, ...modes });
      expect(mirrored).toBe(intercept > 0);

      const { support, query } = sampleTask(fold(keyFrom(5), 'evaluation', 'a', 0), domain, 'test', shape);
      const length = 3 * 16 ** 2;
      const images = Array.from(support.labels, (label, i) => ({
        label: String(label),
        pixels: support.images.subarray(i * length, (i + 1) * length),
      }));
      const from = { ...checkpoint, configuration: model, parameters, genotypes };
      const adapted = await adaptTask(from, images, { steps: model.innerLoop.steps }, executor);
      const session = await ort.InferenceSession.create(adapted.model);
      const given = new ort.Tensor('float32', query.images, [query.labels.length, 3, 16, 16]);
      const logits = (await session.run({ image: given }))['logits']!.data as Float32Array;
      await session.release();
      expect(logits).toHaveLength(answers!.logits.length);
      logits.forEach((logit, i) => expect(logit).toBeCloseTo(answers!.logits[i]!, 3));
    },
  );
});

describe('evaluateOpenSets', () => {
  it('reports the domains that have foreign classes, the same for any number of workers', async () => {
    const foreign = { ...options, foreign: 1 };
    const one = await evaluateOpenSets(settled, domains, foreign);
    expect(one.map(({ domain, shot, tasks }) => [domain, shot, tasks])).toEqual([
      ['a', 1, 3],
      ['a', 2, 3],
      ['b', 1, 3],
      ['b', 2, 3],
    ]);
    const executor = executors.onnxruntime(16);
    const [domain] = domains as [ImageDomain];
    const payload = { domain: 'a', split: 'test', way: 3, foreign: 1, shot: 1, query: 4, seed: 11 } as const;
    const tasks: OpenSetEvaluation[] = [];
    for (let task = 0; task < 3; task++)
      tasks.push(
        await evaluateOpenSet(settled, { executor, models: executor }, domain, { ...payload, task }),
      );
    for (const name of Object.keys(tasks[0]!) as (keyof OpenSetEvaluation)[])
      expect(one[0]![name]).toEqual(accuracyOver(tasks.map((task) => task[name])));
    expect(await evaluateOpenSets(settled, domains, { ...foreign, workers: 2 })).toEqual(one);
    expect(await evaluateOpenSets(settled, domains, { ...options, foreign: 100 })).toEqual([]);
    const mean = (one[0]!.auroc.mean + one[2]!.auroc.mean) / 2;
    expect(openSetTable(one)).toContain(`| **mean** |  | 1 | ${mean.toFixed(1)} |`);
    // a threshold that is lower lets more images pass, of both kinds
    for (const { threshold, passed, accepted, foreignPassed, foreignAccepted } of tasks) {
      const sign = threshold < 0.5 ? 1 : -1;
      expect(sign * (passed - accepted)).toBeGreaterThanOrEqual(0);
      expect(sign * (foreignPassed - foreignAccepted)).toBeGreaterThanOrEqual(0);
      expect(threshold).not.toBe(0.5);
    }
  });

  it('measures by the area under the ROC curve', () => {
    expect(areaUnderCurve([3, 4], [1, 2])).toBe(1);
    expect(areaUnderCurve([1, 4], [2, 3])).toBe(0.5);
    expect(areaUnderCurve([1, 1], [1])).toBe(0.5);
  });
});

describe('chooseGenotypes', () => {
  const next = testRandom(3);
  const random = (): Genotype => {
    const weights = (): Float32Array => Float32Array.from({ length: 8 * edgeCount(1) }, () => next());
    return decodeGenotype({ normal: weights(), reduction: weights() }, 1);
  };
  const [a, b, c] = [random(), random(), random()];

  /** A task that is sure of its architecture. */
  const sure = (genotype: Genotype) => ({ genotype, architecture: oneHot(genotype, 1) });
  const some = { maximumGenotypes: 2, maximumWeights: 1_000_000 };

  it('keeps what most tasks are sure of, at most as many as asked for', () => {
    const drawn = [a, b, b, c, c, c].map(sure);
    const { genotypes, decoded, counts, covered } = chooseGenotypes(drawn, configuration, some);
    expect(genotypes).toEqual([c, b]);
    expect({ decoded, counts }).toEqual({ decoded: 3, counts: [3, 2, 1] });
    const nearest = Math.max(...[b, c].map((kept) => strengthOf(oneHot(a, 1), kept, 1)));
    expect(covered).toBeCloseTo((5 + nearest / strengthOf(oneHot(a, 1), a, 1)) / 6, 6);
    expect(chooseGenotypes([...drawn].reverse(), configuration, some).genotypes).toEqual([c, b]);
  });

  it('keeps one for tasks that differ among themselves rather than another for those that agree', () => {
    const cell = (...operations: GenotypeEdge['operation'][]) => ({
      nodes: [operations.map((operation, input) => ({ operation, input }))],
    });
    const of = (...operations: GenotypeEdge['operation'][]): Genotype => ({
      normal: cell(...operations.slice(0, 2)),
      reduction: cell(...operations.slice(2)),
    });
    const agreed = of('max_pool_3x3', 'max_pool_3x3', 'max_pool_3x3', 'max_pool_3x3');
    const nearly = of('max_pool_3x3', 'max_pool_3x3', 'max_pool_3x3', 'avg_pool_3x3');
    const others = (['dil_conv_3x3', 'dil_conv_5x5', 'skip_connect', 'sep_conv_5x5'] as const).map((last) =>
      of('sep_conv_3x3', 'sep_conv_3x3', 'sep_conv_3x3', last),
    );
    const drawn = [agreed, agreed, agreed, agreed, nearly, nearly, ...others].map(sure);
    const { genotypes, covered } = chooseGenotypes(drawn, configuration, some);
    expect(genotypes[0]).toEqual(agreed);
    expect(others).toContainEqual(genotypes[1]);
    expect(covered).toBeCloseTo((4 + 2 * 0.75 + 1 + 3 * 0.75) / 10, 6);
  });

  it('leaves out what is too large, however many tasks are sure of it', () => {
    const size = (genotype: Genotype): number =>
      childWeights(configuration, genotype).reduce((total, { shape }) => total + sizeOf(shape), 0);
    const [small, large] = (['skip_connect', 'sep_conv_5x5'] as const).map(everywhere) as [
      Genotype,
      Genotype,
    ];
    const drawn = [small, large, large, large].map(sure);
    const limited = { maximumGenotypes: 2, maximumWeights: size(small) };
    expect(size(large)).toBeGreaterThan(size(small));
    expect(chooseGenotypes(drawn, configuration, limited).genotypes).toEqual([small]);
    const enough = { ...limited, maximumWeights: size(large) };
    expect(chooseGenotypes(drawn, configuration, enough).genotypes).toEqual([large, small]);
  });

  it('takes what is too large where nothing else is there', () => {
    const few = { maximumGenotypes: 3, maximumWeights: 1 };
    expect(chooseGenotypes([a, b, c].map(sure), configuration, few).genotypes).toHaveLength(3);
  });
});
