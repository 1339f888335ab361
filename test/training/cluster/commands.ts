import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';

/** A command of training/ in a process of its own. */
export interface Command {
  readonly pid: number;
  /** What it has said so far. */
  readonly said: () => string;
  /** @throws Error when it ends before it says so */
  readonly says: (what: RegExp) => Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Starts `npm run NAME` without npm. @param prefix what runs it: a command and its arguments */
export function start(name: string, options: readonly string[], prefix: readonly string[] = []): Command {
  const script = resolve(`training/${name}.ts`);
  const [command, ...given] = [...prefix, process.execPath, '--import', 'tsx', script, ...options];
  const child = spawn(command!, given, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    pid: child.pid!,
    said: () => said,
    says: async (what) => {
      while (!what.test(said)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} has ended and said:\n${said}`);
        await pause(50);
      }
    },
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

/** Writes a configuration of small images in `folder`, of all stages; gives its path. */
export async function writeTinyRun(
  path: string,
  {
    name,
    images,
    iterations,
    size = 16,
  }: { name: string; images: string; iterations: number; size?: number },
): Promise<string> {
  const shapes = [
    { way: 2, shot: 1, query: 3 },
    { way: 3, shot: 2, query: 2 },
  ];
  const configuration = {
    name,
    seed: 5,
    model: {
      image: { size },
      supernet: { channels: 2, nodes: 1, stem: [3, 4] },
      encoder: { features: 4, state: 5 },
      controller: { hidden: 4 },
      innerLoop: { steps: 2 },
    },
    domains: [
      {
        source: { kind: 'folder', name: 'colours', path: images },
        augmentation: { flip: true, crop: 0.1, colour: 0.1 },
      },
    ],
    stages: [
      { stage: 'search', iterations, shapes },
      { stage: 'retrain', iterations, shapes },
    ],
    metaBatch: 7,
    averaging: 0.9,
    maximumGenotypes: 2,
    workers: 1,
    validation: { every: 100, tasks: 1, query: 2 },
  };
  await writeFile(path, stringify(configuration));
  return path;
}

/** Folders of the tiny run's images, and how many there are. */
export const tinyImages = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, 6]));
