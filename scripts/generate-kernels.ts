import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Compiles the kernels to WebAssembly and writes each as a module: bytes in base64. */
const kernels = [
  { source: 'training/optimizer/kernels/assembly/vector.ts', target: 'training/optimizer/kernels/binary.ts' },
  { source: 'images/pixels/assembly/lanczos.ts', target: 'images/pixels/binary.ts' },
  { source: 'training/planes/assembly/widen.ts', target: 'training/planes/binary.ts' },
];
const options = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--initialMemory', '16'];

const folder = await mkdtemp(join(tmpdir(), 'm-nas-kernels-'));
try {
  const wasm = join(folder, 'kernels.wasm');
  for (const { source, target } of kernels) {
    // its types would change those of the whole project, so the compiler is run, not imported
    await promisify(execFile)('npx', ['--no-install', 'asc', source, '--outFile', wasm, ...options]);
    const base64 = (await readFile(wasm)).toString('base64');
    const remark = `// Generated from ${source} by \`npm run generate:kernels\`: WebAssembly in base64.`;
    await writeFile(target, `${remark}\nexport default '${base64}';\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
