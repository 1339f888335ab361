import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService } from './start.ts';

/** A service of one's own: a new process, a new data folder, the bundled checkpoints. */
export interface OwnService {
  readonly url: string;
  readonly pid: number;
  /** the data folder */
  readonly folder: string;
  /** whether the process still lives */
  readonly lives: () => boolean;
  /** Ends it and removes its data; returns its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Starts the service and waits until it listens. @throws Error with what it printed when it ends before that */
export async function startOwnService(
  environment: Readonly<Record<string, string>> = {},
): Promise<OwnService> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-bench-'));
  const { child, url } = await startService({
    folder,
    environment: { MNAS_LOG_LEVEL: 'error', MNAS_NOTICE_SECONDS: '0', ...environment },
  });
  const exited = once(child, 'exit');
  return {
    url,
    pid: child.pid!,
    folder,
    lives: () => child.exitCode === null && child.signalCode === null,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

/** What a service says of itself while it is measured. */
export interface Health {
  /** bytes of resident memory: at the beginning, at most meanwhile and since the process started, at the end */
  readonly memory: {
    readonly first: number;
    readonly most: number;
    readonly peak: number;
    readonly last: number;
  };
  /** the worst delay of the event loop, ms: how late a timer of 10 ms came */
  readonly eventLoopDelay: number;
}

const resolutionMs = 10;

/** Reads the service's metrics four times a second until it is stopped. */
export function watchHealth(service: Pick<OwnService, 'url' | 'pid'>): () => Promise<Health> {
  const memory: number[] = [];
  let worst = 0;
  const over = new AbortController();
  const read = async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
    memory.push(value('process_resident_memory_bytes'));
    worst = Math.max(worst, value('nodejs_eventloop_lag_max_seconds') * 1000 - resolutionMs);
  };
  const watching = (async () => {
    await read(); // what was before does not count
    worst = 0;
    while (!over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      await read();
    }
  })();
  return async () => {
    over.abort();
    await watching;
    const most = Math.max(...memory);
    const peak = Math.max(most, await peakOf(service.pid));
    return { memory: { first: memory[0]!, most, peak, last: memory.at(-1)! }, eventLoopDelay: worst };
  };
}

/** Peak resident memory of a process since its start in bytes, where the system tells (Linux); else 0. */
async function peakOf(pid: number): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
