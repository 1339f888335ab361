import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarise, summaryLine } from './ci-summary.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command with this process's output; whether it succeeded. */
function succeeds(command: string, ...parameters: readonly string[]): boolean {
  console.log(`\n== ${[command, ...parameters].join(' ')}`);
  const { status, error } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  return status === 0;
}

/** Everything runs, also after a failure, so that one run shows all of them. */
function main(): void {
  const steps = ['check:format', 'check:lint', 'check:types', 'check:generated'];
  const failedSteps = steps.filter((step) => !succeeds('npm', 'run', '--silent', step));
  const folder = mkdtempSync(join(tmpdir(), 'm-nas-ci-'));
  try {
    const file = join(folder, 'report.json');
    const options = [
      '--tags-filter=!slow',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ];
    const passed = succeeds('npx', 'vitest', 'run', ...options, ...process.argv.slice(2));
    const report: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
    const summary = summarise(report, !passed, failedSteps.length);
    if (failedSteps.length > 0) console.log(`\nfailed: ${failedSteps.join(', ')}`);
    console.log(`\n${summaryLine(summary)}`);
    if (summary.failed > 0 || summary.passed === 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
