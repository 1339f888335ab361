import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { crashUnderLoad } from './crash.ts';

/** Proves that the service, with its bundled checkpoints, loses nothing that it has acknowledged when it is killed. */
const program = new Command('prove-crash')
  .option('--kills <n>', 'how often the service is killed; some seconds each', Number, 50)
  .option('--clients <n>', 'clients at the same time', Number, 8)
  .option('--seed <n>', 'of the tasks and of the moments', Number, 1)
  .parse();
const { kills, clients, seed } = program.opts<{ kills: number; clients: number; seed: number }>();
const folder = await mkdtemp(join(tmpdir(), 'm-nas-crash-'));
try {
  const environment = { MNAS_LOG_LEVEL: 'fatal' };
  const print = (found: object) => process.stdout.write(`${JSON.stringify(found)}\n`);
  const plan = { folder, environment, kills, clients, most: 40, seed, tell: print };
  print({ ...(await crashUnderLoad(plan)), seconds: Math.round(performance.now() / 1000) });
} finally {
  await rm(folder, { recursive: true, force: true });
}
