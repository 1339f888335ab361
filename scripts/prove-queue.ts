import process from 'node:process';
import { Command } from 'commander';
import { hasRedis } from '../bench/serve/redis.ts';
import { canCut, cutReplica, cutWorker } from './prove-queue/cut-link.ts';
import { Stage } from './prove-queue/stage.ts';
import {
  deathOfReplica,
  deathOfWorker,
  duplicates,
  removal,
  restartOfRedis,
  way,
} from './prove-queue/trials.ts';
import type { Trial } from './prove-queue/trials.ts';

/**
 * Proves that three replicas and two workers that share a queue lose nothing which they have acknowledged: real processes,
 * a real Redis with an append-only file, nginx in front. Prints what each trial found, and exits with 1 where one failed.
 */
const needs = `Needs redis-server (apt-get install redis-server). With nginx (nginx-light) requests go through it, else to the
replicas in turn. The trials of a cut link need root and ip (iproute2). It takes about ten minutes on two idle cores.
What is waited for has ten times as long as the same was measured to take here; goals in seconds are the same everywhere.`;
const trials: Readonly<Record<string, Trial>> = {
  duplicates,
  way,
  removal,
  deathOfWorker,
  deathOfReplica,
  restartOfRedis,
  cutWorker,
  cutReplica,
};
const program = new Command('prove-queue')
  .description(needs)
  .option('--only <trials>', `some of ${Object.keys(trials).join(',')}`, (text) => text.split(','))
  .parse();
const { only = Object.keys(trials) } = program.opts<{ only?: string[] }>();

const print = (found: Readonly<Record<string, unknown>>) =>
  process.stdout.write(`${JSON.stringify(found)}\n`);

if (!hasRedis) {
  process.stderr.write(`redis-server is not there.\n${needs}\n`);
  process.exit(2);
}
const stage = await Stage.open();
try {
  for (let replica = 0; replica < 3; replica++) await stage.start('replica');
  for (let worker = 0; worker < 2; worker++) await stage.start('worker');
  await stage.balance();
  const pace = await stage.measure();
  print({
    replicas: 3,
    workers: 2,
    proxy: stage.nginx ? 'nginx' : 'none: requests take turns',
    secondsHere: { start: stage.slowestStart, ...pace },
  });
  for (const name of only) {
    const trial = trials[name];
    if (!trial) throw new Error(`there is no trial ${name}`);
    if (name.startsWith('cut') && !canCut()) {
      print({ trial: name, skipped: 'network namespaces need root and iproute2' });
      continue;
    }
    try {
      print({ trial: name, ...(await trial(stage)) });
    } catch (error) {
      process.exitCode = 1;
      print({ trial: name, failed: error instanceof Error ? error.message : String(error) });
    }
  }
} finally {
  await stage.close();
}
