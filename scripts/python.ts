import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The Python of a virtual environment with the packages that a requirements file pins, made below `.cache/` at first and
 * when the file has changed. `MNAS_PYTHON` names the Python that makes it, `python3` by default.
 */
export async function pythonWith(requirements: string): Promise<string> {
  const wanted = await readFile(requirements, 'utf8');
  const folder = resolve('.cache', 'python', requirements.replace(/\.txt$/, '').replaceAll('/', '-'));
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, 'requirements.txt');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return python;
  process.stderr.write(`installing ${requirements} into ${folder}\n`);
  await run(process.env['MNAS_PYTHON'] ?? 'python3', ['-m', 'venv', '--clear', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], { maxBuffer: 2 ** 26 });
  await writeFile(stamp, wanted);
  return python;
}

/** Runs a program with this process's output; resolves to its exit code, 1 where a signal has ended it. */
export async function exitCodeOf(program: string, words: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
