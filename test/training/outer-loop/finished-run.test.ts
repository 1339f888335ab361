import { copyFile, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { ParameterGroup } from '../../../model/layers/parameter-specification.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { identityOf } from '../../../training/outer-loop/run-identity.ts';
import { Trainer } from '../../../training/outer-loop/trainer.ts';
import { sharedIterations } from '../../../training/outer-loop/branch.ts';
import type { EarlierRun } from '../../../training/outer-loop/branch.ts';
import { ParameterLayout } from '../../../training/run/parameter-vector.ts';
import type { RunFolder } from '../../../training/run/run-folder.ts';
import { totalIterations } from '../../../training/run/schedule.ts';
import { configuration, domains, metricsOf, temporaryRuns } from './tiny-run.ts';

const { folderOf, train } = temporaryRuns();

const validationOf = (checkpoint: Uint8Array): unknown => decodeCheckpoint(checkpoint).training['validation'];

async function validationAt(folder: RunFolder, iteration: number): Promise<unknown> {
  const lines = (await metricsOf(folder)) as { iteration: number; validation?: Record<string, number> }[];
  const line = lines.find((own) => own.iteration === iteration && own.validation);
  expect(Object.keys(line!.validation!)).toEqual(['a', 'b']);
  return { iteration, accuracies: line!.validation };
}

describe('a run that has come to its end', { tags: ['whole'] }, () => {
  const whole = { ...configuration, name: 'whole' };
  let folder: RunFolder;
  let checkpoint: Checkpoint;
  /** of the same run, interrupted in every stage: by one worker from its second iteration on */
  let resumed: RunFolder;
  /** of the resumed run, two iterations before its end */
  let paused: Checkpoint;
  beforeAll(async () => {
    [folder, resumed] = [folderOf('whole'), folderOf('resumed')];
    const trainer = await Trainer.start({ ...whole, workers: 2 }, domains, folder, 'new');
    await trainer.run({}, 2);
    await cp(folder.path, resumed.path, { recursive: true });
    await trainer.run();
    await trainer.close();
    checkpoint = decodeCheckpoint(await readFile(folder.checkpointPath));
    for (const until of [4, 6]) await train(whole, { from: 'saved', until, folder: resumed });
    paused = decodeCheckpoint(await readFile(resumed.checkpointPath));
  }, 300_000);

  /** Whether another run has the same weights, architectures and metrics, to the bit. */
  async function expectTheSame(other: RunFolder): Promise<void> {
    const { parameters, genotypes } = decodeCheckpoint(await readFile(other.checkpointPath));
    expect(parameters).toEqual(checkpoint.parameters);
    expect(genotypes).toEqual(checkpoint.genotypes);
    expect(await metricsOf(other)).toEqual(await metricsOf(folder));
  }

  it('has settled its architectures, fitted what is fitted, and told every iteration', async () => {
    expect(checkpoint.genotypes.length).toBeGreaterThan(0);
    for (const fitted of ['mirroring', 'calibration'])
      expect(checkpoint.parameters[fitted]!.some((coefficient) => coefficient !== 0)).toBe(true);
    expect(await metricsOf(folder)).toHaveLength(totalIterations(configuration) + 2 + 1); // validations, genotypes
  });

  it('is, to the bit, one that was interrupted in every stage, for any number of workers', async () => {
    await expectTheSame(await train(whole, { from: 'saved', folder: resumed }));
  });

  it('is, to the bit, one that went on after a crash from a state older than its metrics', async () => {
    const crashed = folderOf('crashed');
    await cp(folder.path, crashed.path, { recursive: true });
    await copyFile(join(folder.path, 'stage-5.safetensors'), join(crashed.path, 'state.safetensors'));
    const trainer = await Trainer.start(whole, domains, crashed, 'saved');
    expect(trainer.iteration).toBe(5);
    expect(validationOf(trainer.checkpoint())).toEqual(await validationAt(folder, 4));
    await trainer.run();
    await trainer.close();
    await expectTheSame(crashed);
    expect(validationOf(await readFile(crashed.checkpointPath))).toEqual(await validationAt(folder, 8));
  });

  it('is, to the bit, one that parts from it before the last stage', async () => {
    const branch = { ...configuration, name: 'branch' };
    expect(sharedIterations(branch, whole)).toBe(5); // never the last stage
    const parted = await train(branch, { from: { configuration: whole, folder } });
    const { parameters, genotypes } = decodeCheckpoint(await readFile(parted.checkpointPath));
    expect(parameters).toEqual(checkpoint.parameters);
    expect(genotypes).toEqual(checkpoint.genotypes);
    const isTraining = (line: unknown): boolean => !Object.hasOwn(line as object, 'validation');
    expect((await metricsOf(parted)).filter(isTraining)).toEqual(
      (await metricsOf(folder)).filter(isTraining),
    );
  });

  it('has branches with another last stage', async () => {
    const [search, tune, retrain] = configuration.stages;
    const last = { ...retrain!, metaBatch: 2, encoder: 'fixed' as const };
    const branch = { ...configuration, averaging: 0.8, name: 'other-last', stages: [search!, tune!, last] };
    const earlier: EarlierRun = { configuration: whole, folder };
    const parted = await train(branch, { from: earlier, until: 7 });
    const tasks = (await metricsOf(parted)).map((line) => (line as { tasks?: number }).tasks);
    expect(tasks).toEqual(
      [3, 3, 3, 3, undefined, 3, undefined, 2, 2], // validated after the fourth, settled before the last stage
    );
    const kept = await folder.loadStage(5, identityOf(whole, domains, 'onnxruntime'));
    const { parameters } = decodeCheckpoint(await readFile(parted.checkpointPath));
    const moved = (wanted: ParameterGroup): boolean =>
      new ParameterLayout(parameterSpecifications(branch.model)).entries
        .filter(({ group }) => group === wanted)
        .some(({ name, start, size }) =>
          parameters[name]!.some((x, i) => x !== kept.parameters.subarray(start, start + size)[i]),
        );
    expect([moved('encoder'), moved('modulator'), moved('weights')]).toEqual([false, true, true]);
    const early = { ...branch, stages: [{ ...search!, encoder: 'fixed' as const }, last] };
    expect(() => trainingConfigurationSchema.parse(early)).toThrow('search trains the encoder');

    const other = { ...branch, stages: [{ ...search!, iterations: 2 }, tune!, last] };
    await expect(train(other, { from: earlier })).rejects.toThrow('other-last and whole share no stage');
    expect(sharedIterations({ ...branch, seed: 6 }, whole)).toBe(0);
  });

  it('goes on from a checkpoint of before its end, at its iteration, with its weights and architectures', async () => {
    const elsewhere = { ...whole, domains: whole.domains.map((own) => ({ ...own })) };
    const own = folderOf('elsewhere');
    const trainer = await Trainer.start(elsewhere, domains, own, paused);
    const { parameters, genotypes } = decodeCheckpoint(trainer.checkpoint());
    expect({ parameters, genotypes }).toEqual({
      parameters: paused.parameters,
      genotypes: paused.genotypes,
    });
    await trainer.run({}, 7);
    await trainer.close();
    const after = decodeCheckpoint(await readFile(own.checkpointPath));
    expect(after.training['iterations']).toBe(7);
    expect(after.parameters).not.toEqual(paused.parameters);
  });

  it('is not begun anew over its state', async () => {
    await expect(folder.refuseToOverwrite()).rejects.toThrow('--overwrite');
    await folderOf('nowhere').refuseToOverwrite();
  });

  it('is not resumed with another configuration', async () => {
    await expect(train({ ...whole, seed: 6 }, { from: 'saved' })).rejects.toThrow('another configuration');
  });

  it('is not resumed on other pixels or classes', async () => {
    const [a, b] = domains as [ImageDomain, ImageDomain];
    const pixels = Uint8Array.from(a.pixels);
    pixels[7]! ^= 1;
    const renamed = a.classes.map((own, i) => (i === 0 ? { ...own, name: 'other' } : own));
    for (const other of [
      { ...a, pixels },
      { ...a, classes: renamed },
    ])
      await expect(train(whole, { from: 'saved', data: [other, b] })).rejects.toThrow('other data');
  });
});
