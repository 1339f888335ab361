import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { auditOutcome } from './audit-outcome.ts';

/** Asks the registry for known weaknesses of the dependencies; exits with 1 where there are such, with 2 where it does not say. */
const { stdout } = spawnSync('npm', ['audit', '--package-lock-only', '--audit-level=moderate', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 ** 2,
});
const { text, exitCode } = auditOutcome(stdout);
console.log(text);
process.exitCode = exitCode;
