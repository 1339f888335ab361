import { Command, Option } from 'commander';
import { z } from 'zod';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { benchMetaGradient } from './meta-gradient.ts';
import { workloadSchema } from './workload.ts';

const planSchema = z.object({
  workers: z.coerce.number().int().min(1),
  seconds: z.coerce.number().positive(),
});

const program = new Command('bench').description('Measures parts of the system on this machine.');

program
  .command('meta-gradient')
  .description("Times one task's exact second-order meta-gradient, as ../shared/peer does in PyTorch.")
  .addOption(
    new Option('--network <name>', 'network that is adapted').choices(['conv4', 'supernet']).default('conv4'),
  )
  .option('--size <pixels>', 'side of the images', '28')
  .option('--way <classes>', 'classes of a task', '5')
  .option('--shot <images>', 'support images a class', '1')
  .option('--query <images>', 'query images a class', '15')
  .option('--steps <n>', 'inner steps', '5')
  .option('--workers <n>', 'one-thread workers that share the cores', '2')
  .option('--seconds <s>', 'length of each of the two measurements', '5')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, workers, seconds, ...workload }: Record<string, unknown>) => {
    const parsed = workloadSchema.safeParse(workload);
    const plan = planSchema.safeParse({ workers, seconds });
    if (!parsed.success) return program.error(z.prettifyError(parsed.error));
    if (!plan.success) return program.error(z.prettifyError(plan.error));
    await flushDenormals(); // before any session, as the trainer does
    const result = await benchMetaGradient(parsed.data, plan.data);
    if (json === true) return void process.stdout.write(`${JSON.stringify(result)}\n`);
    const { msPerTask, tasksPerSecond, weights } = result;
    process.stdout.write(
      `${msPerTask.toFixed(1)} ms a task, ${tasksPerSecond.toFixed(2)} tasks a second, ${weights} weights\n`,
    );
  });

await program.parseAsync();
