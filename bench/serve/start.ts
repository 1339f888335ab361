import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { bundleScript } from '../../engine/bundle.ts';

export interface StartPlan {
  /** a TypeScript file that serves MNAS_DATA_DIR on PORT and prints `listens on URL`; the service itself when absent */
  readonly script?: string;
  /** what the script is given */
  readonly role?: 'worker';
  /** the data folder */
  readonly folder: string;
  /** what it has beside PATH: a developer's own variables must not change what is measured */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface StartedService {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly url: string;
}

const servicePath = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
/** Of what it prints, kept to tell why it ended. */
const keptCharacters = 10_000;

/** Starts a service as a process and waits until it listens. @throws Error with what it printed when it ends before that */
export async function startService({
  script,
  role,
  folder,
  environment,
}: StartPlan): Promise<StartedService> {
  // the service as `npm start` has it, all else without what tsx takes
  const command = script === undefined ? ['--import', 'tsx', servicePath] : [await bundleScript(script)];
  const child = spawn(process.execPath, [...command, ...(role ? [role] : [])], {
    env: {
      PATH: process.env['PATH'],
      MALLOC_MMAP_THRESHOLD_: '1048576', // as `npm start` and the image have it
      PORT: '0',
      MNAS_DATA_DIR: folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-keptCharacters)));
  for (;;) {
    const [, url] = /listens on (http:[^\s"]+)/.exec(output) ?? [];
    if (url !== undefined) return { child, url };
    if (child.exitCode !== null)
      throw new Error(`${script ?? servicePath} ended with ${child.exitCode}\n${output}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  }
}
