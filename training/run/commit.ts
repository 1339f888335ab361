import { execFileSync } from 'node:child_process';

/** The short hash of the checked-out commit, or `unknown`: an unpacked archive has no history. */
export function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
