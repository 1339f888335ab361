import process from 'node:process';
import { Command } from 'commander';
import { overload } from './overload.ts';

/**
 * Proves that others are served while one client asks for more than the service can do, and that it
 * recovers.
 */
const program = new Command('prove-overload')
  .option('--posts <n>', 'tasks of 20 ways and 50 steps that one client posts at once', Number, 80)
  .option('--shots <n>', 'images of each of their classes', Number, 5)
  .option('--rate <n>', 'predictions a second of another client', Number, 20)
  .option('--seconds <n>', 'how long it predicts, alone, beside the flood and after it', Number, 20)
  .option('--share <n>', 'of its predictions that must be answered beside the flood', Number, 0.95)
  .option('--p95 <ms>', 'within which 95 % of them must be answered', Number, 250)
  .parse();
const { share, p95, ...plan } = program.opts<{
  posts: number;
  shots: number;
  rate: number;
  seconds: number;
  share: number;
  p95: number;
}>();
const result = await overload(plan);
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
const { beside } = result;
if (beside.answered < share || beside.p95 > p95) {
  process.stderr.write(
    `beside the flood ${(100 * beside.answered).toFixed(1)} % were answered, 95 % within ${beside.p95.toFixed(0)} ms\n`,
  );
  process.exitCode = 1;
}
