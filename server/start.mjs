// `npm start`: the service, or `npm start -- worker`: a worker of its queue, with what has to be in the environment before its process begins.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** glibc gives blocks of a MiB and more back to the system as soon as they are freed; without this, many of them never. */
const environment = { MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env };

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const role = process.argv.slice(2);
const service = spawn(process.execPath, ['--import', 'tsx', main, ...role], {
  env: environment,
  stdio: 'inherit',
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => service.kill(signal));
service.on('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
