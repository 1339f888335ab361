import { Command } from 'commander';
import * as z from 'zod';
import { encodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../model/configuration.ts';
import { parameterSpecifications } from '../model/parameters.ts';
import { readCheckpoint } from '../training/run/read-checkpoint.ts';
import { writeAtomically } from '../training/run/write-atomically.ts';

/**
 * Binds the shares of a finished checkpoint on a trunk to where they are to start from, and leaves its inner steps out.
 * Meta-training sees the kinds of images that the cells know, so that shares trust them; no kind can teach it otherwise.
 */
const program = new Command('bound-shares')
  .description(
    'Writes a checkpoint on a trunk whose shares stay near a start, and which takes no inner steps.',
  )
  .requiredOption('--checkpoint <file>', 'checkpoint (safetensors)')
  .requiredOption('--start <list>', 'share of a source relative to the others: cells=0.22,b15=0.58,…')
  .requiredOption('--bound <x>', 'by how much the logarithm of a share may differ from its start', Number)
  .requiredOption('--out <file>', 'where the checkpoint is written');

const options = z
  .object({ checkpoint: z.string(), start: z.string(), bound: z.number().positive(), out: z.string() })
  .parse(program.parse().opts());

const start = Object.fromEntries(
  options.start.split(',').map((entry) => {
    const [source, share] = entry.split('=');
    return [source!, Number(share)] as const;
  }),
);
const checkpoint = await readCheckpoint(options.checkpoint);
const { trunk, innerLoop, ...rest } = checkpoint.configuration;
if (!trunk) throw new Error(`${options.checkpoint} is not on a trunk`);
const configuration = parseModelConfiguration({
  ...rest,
  trunk: { ...trunk, shares: { start, bound: options.bound } },
  innerLoop: { ...innerLoop, steps: 0, rates: 'fixed' },
});
const training = { ...checkpoint.training, sharesBoundAfterwards: true };
const names = new Set(parameterSpecifications(configuration).map(({ name }) => name));
const parameters = Object.fromEntries(
  Object.entries(checkpoint.parameters).filter(([name]) => names.has(name)),
);
await writeAtomically(options.out, encodeCheckpoint({ ...checkpoint, configuration, parameters, training }));
