import { Command } from 'commander';
import * as z from 'zod';
import { encodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { readCheckpoint } from '../training/run/read-checkpoint.ts';
import { writeAtomically } from '../training/run/write-atomically.ts';

/** A checkpoint is made by runs one after another, each of a name of its own; the last one's is bundled under that of the first. */
const program = new Command('rename-checkpoint')
  .description('Writes a checkpoint under another name, which tasks ask for it by.')
  .requiredOption('--checkpoint <file>', 'checkpoint (safetensors)')
  .requiredOption('--name <name>', 'its new name')
  .option('--architecture <n>', 'of its architectures, from 1 on, the one that all tasks get', Number)
  .requiredOption('--out <file>', 'where the checkpoint is written');

const options = z
  .object({
    checkpoint: z.string(),
    name: z.string(),
    architecture: z.int().min(1).optional(),
    out: z.string(),
  })
  .parse(program.parse().opts());

const checkpoint = await readCheckpoint(options.checkpoint);
const { genotypes } = checkpoint;
const { architecture } = options;
if (architecture !== undefined && architecture > genotypes.length)
  throw new Error(`${options.checkpoint} has ${genotypes.length} architectures`);
const kept = architecture === undefined ? genotypes : [genotypes[architecture - 1]!];
await writeAtomically(options.out, encodeCheckpoint({ ...checkpoint, id: options.name, genotypes: kept }));
