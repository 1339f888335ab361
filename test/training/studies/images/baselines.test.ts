import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { engineNames } from '../../../../engine/options.ts';
import type { EngineName } from '../../../../engine/options.ts';
import { parseModelConfiguration } from '../../../../model/configuration.ts';
import type { ModelConfiguration } from '../../../../model/configuration.ts';
import { gradient } from '../../../../model/graph/gradient.ts';
import { inputsOf } from '../../../../model/graph/graph.ts';
import { Programs } from '../../../../model/graph/programs.ts';
import type { Values } from '../../../../model/graph/programs.ts';
import { evaluate } from '../../../../model/graph/reference/interpreter.ts';
import { drawParameters } from '../../../../model/layers/parameter-specification.ts';
import { metaGradient } from '../../../../model/meta-gradient/meta-gradient.ts';
import { noRelaxation } from '../../../../model/controller/relaxation.ts';
import { fold, keyFrom, normal, uniform } from '../../../../model/random.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { metaGradientFunction, predicted } from '../../../../training/studies/images/baselines/graphs.ts';
import type { ImageMethod } from '../../../../training/studies/images/baselines/method.ts';
import {
  baselineSpecifications,
  isGraphMethod,
  methodOf,
} from '../../../../training/studies/images/baselines/table.ts';
import type { Built } from '../../../../training/studies/images/baselines/table.ts';
import { BaselineTrainer } from '../../../../training/studies/images/baselines/trainer.ts';
import { runImageRow } from '../../../../training/studies/images/benchmark.ts';
import {
  isBaseline,
  readStudyConfiguration,
  studyConfigurationSchema,
} from '../../../../training/studies/images/configuration.ts';
import type { BaselineConfiguration } from '../../../../training/studies/images/configuration.ts';
import { readResults } from '../../../../training/studies/images/result.ts';
import { RunFolder } from '../../../../training/run/run-folder.ts';
import { checkGradients } from '../../../support/check-gradients.ts';
import { distance, widened } from '../../../support/directional.ts';
import { executors } from '../../../support/executors.ts';
import { referenceRunner, smallTask } from '../../../support/meta-task.ts';
import { sharedFolder } from '../../../support/shared-folder.ts';
import { slowUnless } from '../../../support/slow.ts';
import { stoppedAt } from '../../../support/stopped-at.ts';
import { syntheticDomain } from '../../../support/synthetic-domain.ts';

const model = {
  image: { size: 16 },
  network: { kind: 'conv4', filters: 2 },
  head: { kind: 'linear', outputs: 3 },
  encoder: { features: 3, state: 4 },
  innerLoop: { steps: 2, learningRate: 0.05 },
};
const shapes = [{ way: 2, shot: 1, query: 3 }];
const row = (method: unknown, more: object = {}): BaselineConfiguration & Built => {
  const configuration = studyConfigurationSchema.parse({
    name: 'tiny',
    seed: 5,
    model: { ...model, ...more },
    method,
    domains: [{ source: { kind: 'folder', name: 'a', path: 'unused' } }],
    stages: [{ stage: 'retrain', iterations: 30, learningRate: [0.01, 0.01], shapes }],
    metaBatch: 4,
    reconstructionWeight: 0.1,
    validation: { every: 30, tasks: 2, query: 3 },
    workers: 1,
  });
  if (!isBaseline(configuration) || !isGraphMethod(configuration)) throw new Error('no method');
  return configuration;
};

const shared = { head: { kind: 'shared' } };
const batch = { normalization: { statistics: 'batch' } };
const rows: Readonly<Record<string, BaselineConfiguration & Built>> = {
  MUMOMAML: row({ kind: 'mumomaml' }),
  'MUMOMAML, shared head, batch': row({ kind: 'mumomaml' }, { ...shared, ...batch }),
  HSML: row({ kind: 'hsml' }),
  'HSML without hierarchy, shared head': row({ kind: 'hsml', hierarchy: false }, shared),
  'MT-Net': row({ kind: 'mt-net' }),
  'MT-Net, shared head, batch': row({ kind: 'mt-net' }, { ...shared, ...batch }),
  BMAML: row({ kind: 'bmaml', particles: 3 }),
  'BMAML, shared head, batch': row({ kind: 'bmaml', particles: 2, leaderSteps: 2 }, { ...shared, ...batch }),
};

const task = smallTask(parseModelConfiguration(model), 2, 4);
const size = { ...task.size, query: task.query.count, side: 16 };

/** A point of Θ, the task and the noise where nothing is at a kink by construction: every tensor is noisy. */
function pointOf(method: ImageMethod): Values {
  const parameters = drawParameters(method.parameters, keyFrom(2));
  const noisy = method.parameters.map(({ name, shape }) => {
    const noise = normal(fold(keyFrom(8), name), sizeOf(shape));
    return [name, parameters[name]!.map((x, i) => x + 0.2 * noise[i]!)] as const;
  });
  const { support, query } = task;
  return {
    ...Object.fromEntries(noisy),
    noise: Float32Array.from(uniform(keyFrom(4), method.noise ?? 0), (u: number) => 0.05 + 0.9 * u),
    'support.images': support.images,
    'support.targets': support.targets,
    'query.images': query.images,
    'query.targets': query.targets,
  };
}

describe.each(Object.entries(rows))('meta-gradient of %s', (name, configuration) => {
  const run = slowUnless(!name.includes(','));
  const method = methodOf(configuration);
  const point = pointOf(method);
  const names = method.parameters.map(({ name }) => name);

  it('agrees with central differences in float64, of order 1 and 2', run, () => {
    const objective = predicted(method, size).prediction.objective();
    const loss = stoppedAt(widened(point), objective);
    for (const { order, relative } of checkGradients(loss, widened(point), 2, names))
      expect(relative, `order ${order}`).toBeLessThan(1e-5);
    const inputs = inputsOf([objective]);
    const wrt = names.map((name) => inputs[name]!);
    expect(evaluate(gradient(objective, wrt), widened(point))).toEqual(
      evaluate(gradient(loss, wrt), widened(point)),
    );
  });

  const agreesIn = async (engine: EngineName): Promise<void> => {
    const executor = executors[engine](4);
    const { statistics } = configuration.model.normalization;
    const built = (): ReturnType<typeof metaGradientFunction> =>
      metaGradientFunction(method, size, statistics);
    const result = await new Programs(executor, 'test').run('gradient', built, point);
    const { outputs } = built();
    const labels = Object.keys(outputs);
    const exact = evaluate(
      labels.map((label) => outputs[label]!),
      widened(point),
    );
    const reference = Object.fromEntries(labels.map((label, i) => [label, exact[i]!]));
    expect(distance(result, reference)).toBeLessThan(1e-4);
    await executor.dispose();
  };
  // to an engine all are convolutions, products and sums: one of them with tfjs is enough for every day
  for (const engine of engineNames) {
    const isDaily = engine === 'onnxruntime' ? !name.includes(',') : name === 'MUMOMAML';
    it(`is the same in ${engine} as in the reference interpreter`, slowUnless(isDaily), () =>
      agreesIn(engine),
    );
  }
});

/** The meta-gradient of MAML's own row with the same weights. */
async function mamlGradients(configuration: ModelConfiguration, point: Values): Promise<Values> {
  const { runner } = referenceRunner(configuration);
  const options = { stage: 'retrain', reconstructionWeight: 0, relaxation: noRelaxation } as const;
  return (await metaGradient(runner, point, task, options)).gradients;
}

describe('a baseline whose own part is neutral is MAML', () => {
  const neutral: Readonly<Record<string, (name: string) => number | null>> = {
    MUMOMAML: (name) => (name.startsWith('modulator.') ? 0 : null),
    'MT-Net': (name) => (name.endsWith('.change') ? 0 : name.endsWith('.mask') ? 20 : null),
  };
  it.each(Object.entries(neutral))('%s', async (name, valueOf) => {
    const configuration = rows[name]!;
    const method = methodOf(configuration);
    const point = Object.fromEntries(
      Object.entries(pointOf(method)).map(([key, values]) => {
        const value = valueOf(key);
        return [key, value === null ? values : values.map(() => value)];
      }),
    );
    const weights = weightSpecifications(configuration.model).map((own) => own.name);
    const maml = await mamlGradients(configuration.model, point);
    const { outputs } = metaGradientFunction(method, size, 'support');
    const own = evaluate(
      weights.map((weight) => outputs[weight]!),
      widened(point),
    );
    expect(Object.keys(maml).sort()).toEqual([...weights].sort());
    const named = Object.fromEntries(weights.map((weight, i) => [weight, own[i]!]));
    expect(distance(maml, named)).toBeLessThan(1e-6); // the runner's results are float32
  });
});

describe('a baseline is trained', { tags: ['whole'] }, () => {
  const domains = [syntheticDomain('a', 16)];
  const root = sharedFolder();
  const losses = async (folder: RunFolder): Promise<number[]> =>
    (await readFile(join(folder.path, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { loss?: number })
      .flatMap(({ loss }) => loss ?? []);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

  const expectFall = async (name: string): Promise<void> => {
    const folder = new RunFolder(root(`falls ${name}`));
    const trainer = await BaselineTrainer.start(rows[name]!, domains, folder, 'new');
    await trainer.run().finally(() => trainer.close());
    const all = await losses(folder);
    expect(all).toHaveLength(30);
    expect(mean(all.slice(-8))).toBeLessThan(mean(all.slice(0, 8)) - 0.03);
  };
  for (const name of ['MUMOMAML', 'HSML', 'MT-Net', 'BMAML'])
    it(`${name}: its loss falls`, slowUnless(name === 'MUMOMAML'), () => expectFall(name));

  it('and goes on exactly where it stopped', async () => {
    const [whole, parted] = [new RunFolder(root('whole')), new RunFolder(root('parted'))];
    const configuration = { ...rows['MT-Net']!, stages: [{ ...rows['MT-Net']!.stages[0]!, iterations: 4 }] };
    const train = async (folder: RunFolder, from: 'new' | 'saved', until?: number): Promise<void> => {
      const trainer = await BaselineTrainer.start(configuration, domains, folder, from);
      await trainer.run({}, until).finally(() => trainer.close());
    };
    await train(whole, 'new');
    await train(parted, 'new', 2);
    await train(parted, 'saved');
    expect(await losses(parted)).toEqual(await losses(whole));
    await expect(
      BaselineTrainer.start({ ...configuration, seed: 6 }, domains, parted, 'saved'),
    ).rejects.toThrow();
  });

  it('tested and kept as any row, embeddings where it has some, and no checkpoint', async () => {
    const folder = new RunFolder(root('row'));
    const results = root('results');
    const configuration = { ...rows['HSML']!, stages: [{ ...rows['HSML']!.stages[0]!, iterations: 2 }] };
    const protocol = { way: 3, shots: [1], query: 4, tasks: 3, seed: 2020 };
    const common = { domains, folder, results, commit: 'abc', protocol, embeddings: true, floors: true };
    const never = new AbortController().signal;
    const result = await runImageRow(configuration, { ...common, resume: false }, {}, never);
    expect((await readResults(results))[0]).toEqual(result);
    const [setting] = result!.settings;
    expect(setting!.genotypes).toEqual({});
    expect(setting!.served.every((right) => Number.isInteger(right) && right <= 12)).toBe(true);
    expect(setting!.transductive).toHaveLength(3);
    expect(setting!.floors!.pixels.mean).toBeGreaterThan(0);
    await expect(readFile(folder.checkpointPath)).rejects.toThrow('ENOENT');
    const earlier = { configuration, folder };
    await expect(
      runImageRow(configuration, { ...common, resume: false, earlier }, {}, never),
    ).rejects.toThrow('share no stage');
  });
});

describe('the rows of the baselines', () => {
  it.each(['mumomaml', 'hsml', 'hsml-flat', 'mt-net', 'bmaml'])(
    '%s: MAML’s but for the method',
    async (name) => {
      const read = (file: string) => readStudyConfiguration(`training/configs/images/${file}.yaml`);
      const { method, gradientClip, ...own } = await read(name);
      const maml = await read('maml');
      expect(method!.kind).toBe(name === 'hsml-flat' ? 'hsml' : name);
      expect({ ...own, name: 'maml', gradientClip: maml.gradientClip, method }).toEqual({ ...maml, method });
      const clips: Readonly<Record<string, number>> = { bmaml: 0.15 };
      expect(gradientClip).toBe(clips[name] ?? maml.gradientClip);
    },
  );

  it('have the weights of Θ that are their own beside those of the base learner', async () => {
    const weights = async (name: string): Promise<number> => {
      const configuration = await readStudyConfiguration(`training/configs/images/${name}.yaml`);
      if (!isBaseline(configuration)) throw new Error(name);
      return baselineSpecifications(configuration).reduce((n, { shape }) => n + sizeOf(shape), 0);
    };
    const base = 28_768 + 128 + 3; // conv4, the head's vector, the temperature
    expect(await weights('mt-net')).toBe(base + 4 * (32 * 32 + 32));
    expect(await weights('bmaml')).toBe(5 * (base - 3) + 3);
    const [flat, tree, film] = await Promise.all(['hsml-flat', 'hsml', 'mumomaml'].map(weights));
    expect(flat! - film!).toBeGreaterThan(129 * (base - 3) - 129 * 256 - 1);
    expect(tree! - flat!).toBe(128 * (base - 3) + 7 * 128 + 3 * (128 * 128 + 128));
  });

  it('are refused on another base learner, with another stage or head, by name', () => {
    const refused = (method: unknown, more: object, stage: object = {}): string => {
      const parsed = studyConfigurationSchema.safeParse({
        ...row({ kind: 'mt-net' }),
        method,
        model: { ...model, ...more },
        stages: [{ stage: 'retrain', iterations: 1, shapes, ...stage }],
      });
      return parsed.success ? '' : parsed.error.issues[0]!.message;
    };
    const mtNet = { kind: 'mt-net' };
    expect(refused(mtNet, { network: { kind: 'cells' } })).toBe('mt-net adapts a conv4');
    expect(refused(mtNet, { head: { kind: 'prototype' } })).toContain('shared or linear');
    expect(refused(mtNet, {}, { stage: 'search' })).toContain('from new weights');
    expect(refused(mtNet, { innerLoop: { ...model.innerLoop, rates: 'learned' } })).toContain('fixed rates');
    expect(refused(mtNet, {})).toBe('');
  });
});
