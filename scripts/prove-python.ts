import { startOwnService } from '../bench/serve/process.ts';
import { exitCodeOf, pythonWith } from './python.ts';

/**
 * Proves that `client/python/mnas.py` does what it says: every call of it against a service of its own, and its
 * classifier beside the service. Exits with an error where one does not.
 */
const python = await pythonWith('client/python/requirements.txt');
const service = await startOwnService();
const proved = exitCodeOf(python, ['scripts/prove-python/prove.py', service.url]);
process.exitCode = await proved.finally(service.stop);
