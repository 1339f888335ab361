import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { startOwnService } from '../bench/serve/process.ts';
import { fuzz, fuzzEnvironment } from './fuzz/run.ts';

/**
 * Sends mutated images, multipart bodies, zips, JSON, paths and headers to a service of its own, and looks whether any
 * of them causes a 5xx, a crash, a growing memory or a lost task. Exits with 1 when one does; what was sent is then in
 * runs/fuzz/, and `--first N --cases 1` with the same seed sends it again.
 */
const program = new Command('fuzz')
  .option('--minutes <n>', 'how long', Number, 2)
  .option('--seed <n>', 'of all cases', Number, 1)
  .option('--first <n>', 'number of the first case', Number, 0)
  .option('--cases <n>', 'at most so many', Number, Infinity)
  .option('--parallel <n>', 'at the same time', Number, 4)
  .parse();
const { minutes, ...plan } = program.opts<{
  minutes: number;
  seed: number;
  first: number;
  cases: number;
  parallel: number;
}>();

const service = await startOwnService(fuzzEnvironment);
const result = await fuzz({ ...plan, seconds: minutes * 60 }, service).finally(service.stop);
const folder = join('runs', 'fuzz');
for (const { index, case: sent, fault } of result.finds) {
  const name = `${plan.seed}-${index}`;
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, `${name}.json`),
    JSON.stringify({ ...sent, body: undefined, fault }, undefined, 2),
  );
  if (sent.body) await writeFile(join(folder, `${name}.bin`), sent.body);
  process.stdout.write(`case ${index} (${sent.kind}, ${sent.method} ${sent.path}): ${fault}\n`);
}
const statuses = Object.entries(result.answers).sort(([a], [b]) => (a < b ? -1 : 1));
for (const [key, count] of statuses) process.stdout.write(`${key}: ${count}\n`);
const [early, late] = result.memory.map((mebibytes) => mebibytes.toFixed(0));
process.stdout.write(
  `seed ${plan.seed}: ${result.cases} cases, ${result.finds.length} finds, ${result.tasks} tasks made and whole, ` +
    `memory ${early} MiB after a tenth, ${late} MiB at the end\n`,
);
process.exitCode = result.finds.length > 0 ? 1 : 0;
