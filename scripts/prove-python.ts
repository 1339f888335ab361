import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startOwnService } from '../bench/serve/process.ts';
import { pythonWith } from './python.ts';

/**
 * Proves that `client/python/mnas.py` does what it says: every call of it against a service of its own, and its
 * classifier beside the service. Exits with an error where one does not.
 */
const python = await pythonWith('client/python/requirements.txt');
const service = await startOwnService();
try {
  const child = spawn(python, ['scripts/prove-python/prove.py', service.url], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await service.stop();
}
