import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunState } from '../../../training/run/run-folder.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';

const state: RunState = {
  iteration: 3,
  parameters: Float32Array.of(1),
  adam: { step: 3, first: Float32Array.of(0), second: Float32Array.of(0) },
  genotypes: [],
  seconds: 1,
};
const identity = (stage: object): string => JSON.stringify({ name: 'run', stages: [stage] });

describe('a run that was begun when there were more options', () => {
  it('goes on where it asked for none of them, and not where it did', async () => {
    const folder = new RunFolder(await mkdtemp(join(tmpdir(), 'mnas-')));
    const now = identity({ stage: 'retrain', temperature: [1, 1] });
    await folder.saveState(
      state,
      identity({ stage: 'retrain', multiStepIterations: 0, temperature: [1, 1] }),
    );
    expect(await folder.loadState(now)).toEqual(state);
    await folder.saveState(
      state,
      identity({ stage: 'retrain', multiStepIterations: 1, temperature: [1, 1] }),
    );
    await expect(folder.loadState(now)).rejects.toThrow(/another configuration/);
  });
});
