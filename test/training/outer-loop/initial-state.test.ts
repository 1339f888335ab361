import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import {
  classifiedState,
  fineTunedState,
  isClassified,
  isUnfinished,
} from '../../../training/outer-loop/initial-state.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import type { TrainingConfiguration } from '../../../training/outer-loop/configuration.ts';
import { ParameterLayout } from '../../../training/run/parameter-vector.ts';
import { randomTrunkCheckpoint } from '../../support/random-trunk.ts';
import { smallTrunkConfiguration } from '../../support/trunk-task.ts';

const model = smallTrunkConfiguration();
const drawn = randomTrunkCheckpoint(model, { seed: 7 });
const classified: Checkpoint = { ...drawn, training: { iterations: 0, classified: 100 } };

/** A run of the same cells; `innerLoop` and `modulator` may differ from those of the stage. */
const runOf = (own: Partial<TrainingConfiguration['model']>): TrainingConfiguration =>
  trainingConfigurationSchema.parse({
    name: 'run',
    seed: 3,
    model: { ...model, ...own },
    planes: { trunk: 'unused', taps: ['a', 'b', 'c'] },
    domains: [{ source: { kind: 'folder', name: 'a', path: 'unused' } }],
    stages: [{ stage: 'retrain', iterations: 1, shapes: [{ way: 2, shot: 1, query: 1 }] }],
  });

describe('meta-training behind classify', () => {
  it('begins with the weights and statistics of the stage, and with the run’s own of all else', () => {
    const run = runOf({});
    const { iteration, parameters } = classifiedState(run, classified);
    expect(iteration).toBe(0);
    const start = new ParameterLayout(parameterSpecifications(run.model)).unpack(parameters);
    for (const { name, group } of parameterSpecifications(run.model)) {
      const same = Buffer.from(start[name]!.buffer).equals(Buffer.from(drawn.parameters[name]!.buffer));
      expect([name, same]).toEqual([name, group === 'weights' || group === 'statistics']);
    }
  });

  it('may have another inner loop and modulator, but not other cells', () => {
    const other = runOf({
      innerLoop: { ...model.innerLoop, steps: 0, rates: 'fixed' },
      modulator: { kind: 'none' },
    });
    expect(classifiedState(other, classified).iteration).toBe(0);
    const wider = runOf({ supernet: { ...model.supernet, channels: 3 } });
    expect(() => classifiedState(wider, classified)).toThrow(/tiny has other cells than the run: /);
  });

  it('is told from a checkpoint that was meta-trained', () => {
    expect(isClassified(classified)).toBe(true);
    expect(isClassified(drawn)).toBe(false);
    expect(isClassified({ ...drawn, training: { iterations: 5, classified: 100 } })).toBe(false);
  });
});

describe('fine-tuning', () => {
  const kinds = runOf({ controller: { ...model.controller, kinds: 1 } });

  it('begins with all of the checkpoint; for which kinds its controller chooses may be new', () => {
    const { parameters } = fineTunedState(kinds, drawn);
    const start = new ParameterLayout(parameterSpecifications(kinds.model)).unpack(parameters);
    for (const [name, values] of Object.entries(drawn.parameters)) expect(start[name]).toEqual(values);
    expect(start['familiar.center']!.every((value) => value === 0)).toBe(true);
  });

  it('loses no kinds that the checkpoint has', () => {
    const known = { ...drawn, configuration: kinds.model };
    expect(() => fineTunedState(runOf({}), known)).toThrow('model.controller must be as in the checkpoint');
  });
});

describe('a checkpoint of before the end of a run', () => {
  it('is told by its configuration, also where that has options that are gone', () => {
    const run = runOf({});
    const [{ temperature, ...stage }] = run.stages as [TrainingConfiguration['stages'][0]];
    const saved = (own: object): Checkpoint => ({
      ...drawn,
      training: { iterations: 0, configuration: { ...run, stages: [{ ...stage, ...own, temperature }] } },
    });
    expect(isUnfinished(run, saved({}))).toBe(true);
    expect(isUnfinished(run, saved({ multiStepIterations: 0 }))).toBe(true);
    expect(isUnfinished(run, saved({ multiStepIterations: 1 }))).toBe(false);
  });
});
