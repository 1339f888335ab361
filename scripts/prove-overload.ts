import process from 'node:process';
import { Command, Option } from 'commander';
import { overload } from './overload.ts';
import type { OverloadPlan } from './overload.ts';
import { manyShapes, usualShapes } from './shapes.ts';

const mebibyte = 1024 ** 2;

/**
 * Proves that others are served while one client asks for more than the service can do, that it recovers, and that tasks
 * of many shapes leave its memory within a bound.
 */
const program = new Command('prove-overload')
  .option('--posts <n>', 'tasks of 20 ways and 50 steps that one client posts at once', Number, 80)
  .option('--shots <n>', 'images of each of their classes', Number, 5)
  .option('--rate <n>', 'predictions a second of another client', Number, 20)
  .option('--seconds <n>', 'how long it predicts, alone, beside the flood and after it', Number, 20)
  .option('--share <n>', 'of its predictions that must be answered beside the flood', Number, 0.95)
  .option('--p95 <ms>', 'within which 95 % of them must be answered', Number, 250)
  .option('--memory <MiB>', 'that tasks of many shapes may take beside the idle service', Number, 2048)
  .option('--shapes <n>', 'of those, the first ones', Number, usualShapes.length)
  .addOption(new Option('--only <part>', 'of the two').choices(['flood', 'memory']))
  .parse();
const { share, p95, memory, shapes, only, ...plan } = program.opts<
  OverloadPlan & {
    share: number;
    p95: number;
    memory: number;
    shapes: number;
    only?: 'flood' | 'memory';
  }
>();
if (only !== 'memory') await proveFlood();
if (only !== 'flood') await proveMemory();

async function proveFlood(): Promise<void> {
  const result = await overload(plan);
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  const { beside } = result;
  if (beside.answered >= share && beside.p95 <= p95) return;
  const answered = (100 * beside.answered).toFixed(1);
  fail(`beside the flood ${answered} % were answered, 95 % within ${beside.p95.toFixed(0)} ms`);
}

async function proveMemory(): Promise<void> {
  const { idle, peak } = await manyShapes(
    usualShapes.slice(0, shapes),
    { MNAS_REQUEST_SECONDS: '3600', MNAS_MEMORY_BYTES: String(memory * mebibyte) },
    ({ shape: [way, shot], ms, most, after }) =>
      process.stdout.write(
        `${way} ways, ${shot} shots: ${Math.round(ms)} ms, ${mebibytes(most)} MiB at most, ${mebibytes(after)} after\n`,
      ),
  );
  process.stdout.write(`${shapes} shapes: idle ${mebibytes(idle)} MiB, at most ${mebibytes(peak)} MiB\n`);
  if (peak - idle > memory * mebibyte) fail(`the memory grew by ${mebibytes(peak - idle)} MiB`);
}

/** Goes on, and ends with 1. */
function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exitCode = 1;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
