import { execFile } from 'node:child_process';
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
