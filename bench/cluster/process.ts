import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleScript } from '../../engine/bundle.ts';

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
export async function start(
  name: string,
  options: readonly string[],
  prefix: readonly string[] = [],
): Promise<Command> {
  const script = fileURLToPath(new URL(`../../training/${name}.ts`, import.meta.url));
  const [command, ...given] = [...prefix, process.execPath, await bundleScript(script), ...options];
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

/** Clock ticks of Linux's /proc a second. */
const ticks = 100;

/** Seconds of processor time that a process has taken, of all its threads. Linux only. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks; // utime and stime
}
