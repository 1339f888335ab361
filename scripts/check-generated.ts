import { execFile } from 'node:child_process';
import { cp, mkdtemp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isMissing } from '../engine/files.ts';

/** A generated group: package.json's script, what it reads, what it writes (paths from the repository's root). */
interface Generated {
  readonly script: string;
  readonly sources: readonly string[];
  readonly outputs: readonly string[];
}

const generated: readonly Generated[] = [
  { script: 'generate:openapi', sources: ['openapi.yaml'], outputs: ['contract/openapi.ts'] },
  {
    script: 'generate:onnx',
    sources: ['model/graph/onnx/onnx.proto'],
    outputs: ['model/graph/onnx/proto.js', 'model/graph/onnx/proto.d.ts'],
  },
  {
    script: 'generate:kernels',
    sources: [
      'scripts/generate-kernels.ts',
      'training/optimizer/kernels/assembly/vector.ts',
      'images/pixels/assembly/lanczos.ts',
      'training/planes/assembly/widen.ts',
    ],
    outputs: ['training/optimizer/kernels/binary.ts', 'images/pixels/binary.ts', 'training/planes/binary.ts'],
  },
  {
    script: 'generate:example',
    sources: ['scripts/generate-example.ts'],
    outputs: ['web/example.json'],
  },
];

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs the group's own npm script in a folder that has only its sources; returns the outputs that differ. */
async function staleOutputs({ script, sources, outputs }: Generated, folder: string): Promise<string[]> {
  for (const path of [...sources, ...outputs]) await mkdir(join(folder, dirname(path)), { recursive: true });
  for (const path of sources) await cp(join(root, path), join(folder, path));
  await promisify(execFile)('npm', ['run', '--silent', script], { cwd: folder });
  const stale = [];
  for (const path of outputs) {
    const [fresh, committed] = await Promise.all([
      readFile(join(folder, path)),
      readIfPresent(join(root, path)),
    ]);
    if (!committed?.equals(fresh)) stale.push(path);
  }
  return stale;
}

async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'm-nas-generated-'));
try {
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const stale: string[] = [];
  for (const group of generated) stale.push(...(await staleOutputs(group, folder)));
  if (stale.length > 0) {
    console.error(
      `stale generated files (run \`npm run generate\`):\n${stale.map((path) => `  ${path}`).join('\n')}`,
    );
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
