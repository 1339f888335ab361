import { Command, Option } from 'commander';
import * as z from 'zod';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { list } from '../training/command/arguments.ts';
import { benchAdapt } from './adapt.ts';
import { benchArithmetic } from './arithmetic.ts';
import { benchClassify } from './classify.ts';
import { benchCluster } from './cluster/measure.ts';
import { expectIteration } from './cluster/model.ts';
import { benchDepthwise, depthwiseCases } from './depthwise.ts';
import { benchImages } from './images.ts';
import { benchMetaGradient } from './meta-gradient.ts';
import { benchRequest } from './request.ts';
import { benchGrowth } from './serve/growth.ts';
import { serveTable } from './serve/report.ts';
import { benchServe } from './serve/serve.ts';
import { benchToy } from './toy.ts';
import { taskShape, workloadSchema } from './workload.ts';

const planSchema = z.object({
  workers: z.coerce.number().int().min(1),
  seconds: z.coerce.number().positive(),
});

const requestSchema = z.object({
  ...taskShape,
  side: z.coerce.number().int().min(1).max(8000),
  tasks: z.coerce.number().int().min(1),
  checkpoint: z.string().optional(),
});

const serveSchema = z.object({
  ...taskShape,
  posts: z.coerce.number().int().min(1).max(100),
  seconds: z.coerce.number().positive(),
  connections: z.coerce.number().int().min(1).max(100),
  soak: z.coerce.number().int().min(0),
  soakTasks: z.coerce.number().int().min(0),
});

const adaptSchema = z.object({
  ...taskShape,
  runs: z.coerce.number().int().min(1),
  threads: z.coerce.number().int().min(1),
});

const imagesSchema = z.object({
  row: z.string().regex(/^[a-z0-9-]+$/),
  stages: z.array(z.string()).optional(),
  runs: z.coerce.number().int().min(1),
});

const toySchema = z.object({
  row: z.string().regex(/^[a-z0-9-]+$/),
  workers: z.coerce.number().int().min(1),
  iterations: z.coerce.number().int().min(1),
});

const classifySchema = z.object({
  network: z.enum(['small']),
  workers: z.coerce.number().int().min(1),
  classes: z.coerce.number().int().min(2),
  steps: z.coerce.number().int().min(1),
});

const clusterSchema = z.object({
  row: z.string().regex(/^[a-z0-9-]+$/),
  stage: z.coerce.number().int().min(0),
  tasks: z.coerce.number().int().min(2).max(256),
  iterations: z.coerce.number().int().min(1),
  megabits: z.coerce.number().positive(),
});

const program = new Command('bench').description('Measures parts of the system on this machine.');

/** The options as the schema has them; what does not fit ends the program. */
function parsed<T>(schema: z.ZodType<T>, options: unknown): T {
  const result = schema.safeParse(options);
  return result.success ? result.data : program.error(z.prettifyError(result.error));
}

/** A result as one line of JSON, or as its text. */
const print = (json: unknown, result: object, text: string): void =>
  void process.stdout.write(`${json === true ? JSON.stringify(result) : text}\n`);

/** A command with the options of a `Workload`. */
const workloadCommand = (name: string): Command =>
  program
    .command(name)
    .addOption(
      new Option('--network <name>', 'network that is adapted')
        .choices(['conv4', 'supernet'])
        .default('conv4'),
    )
    .option('--size <pixels>', 'side of the images', '28')
    .option('--way <classes>', 'classes of a task', '5')
    .option('--shot <images>', 'support images a class', '1')
    .option('--query <images>', 'query images a class', '15')
    .option('--steps <n>', 'inner steps', '5');

workloadCommand('meta-gradient')
  .description("Times one task's exact second-order meta-gradient, as ../shared/peer does in PyTorch.")
  .option('--workers <n>', 'one-thread workers that share the cores', '2')
  .option('--seconds <s>', 'length of each of the two measurements', '5')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, workers, seconds, ...workload }: Record<string, unknown>) => {
    const checked = parsed(workloadSchema, workload);
    const plan = parsed(planSchema, { workers, seconds });
    await flushDenormals(); // before any session, as the trainer does
    const result = await benchMetaGradient(checked, plan);
    const { msPerTask, tasksPerSecond, weights } = result;
    print(
      json,
      result,
      `${msPerTask.toFixed(1)} ms a task, ${tasksPerSecond.toFixed(2)} tasks a second, ${weights} weights`,
    );
  });

workloadCommand('arithmetic')
  .description(
    'Compares one meta-gradient with the arithmetic of its graphs at the speed of large products, one thread.',
  )
  .option('--runs <n>', 'runs of each', '12')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, runs, ...workload }: Record<string, unknown>) => {
    const checked = parsed(workloadSchema, workload);
    await flushDenormals();
    const result = await benchArithmetic(checked, parsed(z.coerce.number().int().min(1), runs));
    const { gigaflop, limit, atLimit, least } = result;
    print(
      json,
      result,
      `${gigaflop.toFixed(2)} GFLOP a task, ${atLimit.toFixed(1)} ms at the ${limit.toFixed(0)} GFLOP/s of large products; ` +
        `least ${least.toFixed(1)} ms`,
    );
  });

program
  .command('request')
  .description('Times requests against a service of its own, with drawn JPEG images.')
  .option('--way <classes>', 'classes of a task', '5')
  .option('--shot <images>', 'support images a class', '5')
  .option('--side <pixels>', 'side of the posted images', '256')
  .option('--tasks <n>', 'tasks posted after the first', '10')
  .option('--checkpoint <id>', 'the default of the service; by default that of the bundled ones')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    const result = await benchRequest(parsed(requestSchema, options));
    const { first, post, repeated, prediction, modelBytes } = result;
    print(
      json,
      result,
      `first ${first.toFixed(0)} ms, then ${post.median.toFixed(0)} ms (slowest ${post.slowest.toFixed(0)}), ` +
        `repeated ${repeated.toFixed(0)} ms, prediction ${prediction.toFixed(1)} ms, model ${modelBytes} bytes`,
    );
  });

program
  .command('serve')
  .description(
    'Measures the whole service on loopback with phone-size photos, beside a bare prediction loop.',
  )
  .option('--way <classes>', 'classes of a task', '5')
  .option('--shot <images>', 'support images a class', '5')
  .option('--posts <n>', 'new tasks after the first', '20')
  .option('--seconds <s>', 'length of each measurement under load', '5')
  .option('--connections <n>', 'clients of a measurement under load', '8')
  .option('--soak <n>', 'predictions to look whether memory grows; 0 for none', '0')
  .option('--soak-tasks <n>', 'different tasks to look for the same', '0')
  .option('--growth', 'instead: how time and memory grow with ways, shots and image size', false)
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, growth, ...options }: Record<string, unknown>) => {
    const plan = parsed(serveSchema, options);
    if (growth === true) {
      for await (const row of benchGrowth(3))
        print(
          json,
          row,
          `${row.way}-way ${row.shot}-shot, ${row.width} x ${row.height}: first ${row.first.toFixed(0)} ms, ` +
            `then ${row.post.toFixed(0)} ms, at most ${(row.peak / 2 ** 20).toFixed(0)} MiB`,
        );
      return;
    }
    const result = await benchServe(plan);
    print(json, result, serveTable(result));
  });

program
  .command('depthwise')
  .description('Times the formulations of a depthwise convolution, value and gradients, one thread.')
  .option('--runs <n>', 'runs of each', '20')
  .option('--json', 'print one line of JSON a case', false)
  .action(async ({ json, runs }: Record<string, unknown>) => {
    const count = parsed(z.coerce.number().int().min(1), runs);
    for (const given of depthwiseCases) {
      const times = await benchDepthwise(given, count);
      const { side, stride, images, input, rows, planes, taken } = times;
      print(
        json,
        times,
        `${given.channels} channels, ${side} px, stride ${stride}, ${images} images, ${input} input: ` +
          `rows ${rows.toFixed(2)} ms, planes ${planes.toFixed(2)} ms, grouped ${times.grouped.toFixed(2)} ms, takes ${taken}`,
      );
    }
  });

program
  .command('adapt')
  .description("Times a request's adaptation alone, from pixels, with the network of the row `photos`.")
  .option('--way <classes>', 'classes of the task', '5')
  .option('--shot <images>', 'support images a class', '5')
  .option('--runs <n>', 'adaptations after the first', '15')
  .option('--threads <n>', 'threads of the session', '1')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    const result = await benchAdapt(parsed(adaptSchema, options));
    const lines = Object.entries(result.least).map(
      ([stage, least]) =>
        `${stage}: least ${least.toFixed(1)} ms, median ${result.median[stage]!.toFixed(1)} ms, ` +
        `first ${result.first[stage]!.toFixed(0)} ms`,
    );
    print(json, result, lines.join('\n'));
  });

program
  .command('toy')
  .description('Times meta-iterations of a row of the toy regression, at the beginning of a run.')
  .option('--row <name>', 'a configuration in training/configs/toy', 'm-nas')
  .option('--workers <n>', 'worker threads', '2')
  .option('--iterations <n>', 'measured, after as many that are not', '300')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    await flushDenormals();
    const result = await benchToy(parsed(toySchema, options));
    const { row, workers, least, median, mean } = result;
    const times = `median ${median.toFixed(1)} ms, mean ${mean.toFixed(1)} ms, least ${least.toFixed(1)} ms`;
    print(json, result, `an iteration of ${row}, ${workers} workers: ${times}`);
  });

program
  .command('images')
  .description('Times one task of every stage and shape of a row of the image study, one thread.')
  .option('--row <name>', 'a configuration in training/configs/images', 'm-nas')
  .option('--stages <names>', 'only these, comma-separated: search, tune, retrain', list)
  .option('--runs <n>', 'measured of each, after two that are not', '8')
  .option('--json', 'print one line of JSON each', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    await flushDenormals();
    for await (const times of benchImages(parsed(imagesSchema, options))) {
      const { stage, steps, way, shot, query, least, median } = times;
      print(
        json,
        times,
        `${stage}, ${steps} inner steps, ${way}-way ${shot}-shot, ${query} queries a class: ` +
          `median ${median.toFixed(1)} ms, least ${least.toFixed(1)} ms`,
      );
    }
  });

program
  .command('classify')
  .description(
    'Times the stage that tells all classes apart, augmentation in it, as classify_small.py does in PyTorch.',
  )
  .addOption(new Option('--network <name>', 'the stem and cells').choices(['small']).default('small'))
  .option('--workers <n>', 'worker threads', '2')
  .option('--classes <n>', 'that are told apart', '640')
  .option('--steps <n>', 'measured, after four', '40')
  .option('--json', 'print one line of JSON', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    await flushDenormals();
    const result = await benchClassify(parsed(classifySchema, options));
    const { imagesPerSecond, weights, batch } = result;
    print(
      json,
      result,
      `${imagesPerSecond.toFixed(0)} images a second, ${weights} weights, ${batch} images a step`,
    );
  });

program
  .command('cluster')
  .description(
    'Times iterations of a run on one machine and on two, processes with a processor each, also behind a throttled link; tells what more machines would do. Needs redis-server and taskset, for the link root and iproute2.',
  )
  .option('--row <name>', 'a configuration in training/configs/images', 'm-nas')
  .option('--stage <n>', 'which of its stages, from 0 on', '0')
  .option('--tasks <n>', 'of a meta-batch', '16')
  .option('--iterations <n>', 'measured of each', '3')
  .option('--megabits <n>', 'of the throttled link, a second each way', '100')
  .option('--json', 'print one line of JSON each', false)
  .action(async ({ json, ...options }: Record<string, unknown>) => {
    const plan = parsed(clusterSchema, options);
    const costs = await benchCluster(plan, (times) => {
      const { machines, seconds, processorSeconds, parts, away, megabytes } = times;
      print(
        json,
        times,
        `${machines}: ${seconds.toFixed(2)} s an iteration, ${processorSeconds.toFixed(3)} s of processor time a task, ` +
          `${away} of ${parts} parts away, ${megabytes.toFixed(2)} MB`,
      );
    });
    print(
      json,
      costs,
      `Θ of ${(costs.bytes / 1e6).toFixed(2)} MB; the rest of an iteration ${costs.rest.toFixed(2)} s`,
    );
    for (const megabits of [100, 1000])
      for (const tasks of [16, 64])
        for (const machines of [1, 2, 4, 8, 16, 32]) {
          const expected = expectIteration(costs, { tasks, machines, threads: 2, megabits });
          const { parts, megabytes, seconds, speedup } = expected;
          print(
            json,
            { ...expected, tasks, megabits },
            `${megabits} Mbit/s, ${tasks} tasks, ${machines} machines of two threads: ${seconds.toFixed(2)} s, ` +
              `${speedup.toFixed(1)} times as fast, ${parts} parts, ${megabytes.toFixed(1)} MB`,
          );
        }
  });

await program.parseAsync();
