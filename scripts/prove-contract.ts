import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command } from 'commander';
import { startOwnService } from '../bench/serve/process.ts';
import { pythonWith } from './python.ts';

/**
 * Sends what schemathesis makes of openapi.yaml to a service of its own, and looks whether every answer is one that the
 * contract promises. Exits with 1 where one is not.
 */
const program = new Command('prove-contract')
  .option('--cases <n>', 'at most so many for an operation', '20')
  .option('--seed <n>', 'of all cases', '1')
  .parse();
const { cases, seed } = program.opts<{ cases: string; seed: string }>();

const python = await pythonWith('scripts/prove-contract/requirements.txt');
const service = await startOwnService();
const given = ['-m', 'schemathesis.cli', 'run', 'openapi.yaml', '--url', service.url];
const checks =
  'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
const bounds = [
  '--max-examples',
  cases,
  '--seed',
  seed,
  '--checks',
  checks,
  '--phases',
  'examples,coverage,fuzzing',
];
const child = spawn(python, [...given, ...bounds], { stdio: 'inherit' });
const [code] = (await once(child, 'exit')) as [number | null];
await service.stop();
process.exitCode = code ?? 1;
