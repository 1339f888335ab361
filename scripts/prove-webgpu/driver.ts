import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import process from 'node:process';

/** Of Debian's package chromium: SwiftShader, and the loader that finds it. */
const folder = '/usr/lib/chromium';
const driver = `${folder}/vk_swiftshader_icd.json`;

/**
 * Where the environment chooses no Vulkan driver and the software driver is there: runs the command again with it, since a
 * process looks up its libraries where it begins, and ends as that does.
 */
export function withSoftwareDriver(): void {
  if (process.env['VK_ICD_FILENAMES'] !== undefined || !existsSync(driver)) return;
  const { LD_LIBRARY_PATH: others, XDG_RUNTIME_DIR: runtime = tmpdir() } = process.env;
  const libraries = [others, folder].filter(Boolean).join(':');
  const env = {
    ...process.env,
    VK_ICD_FILENAMES: driver,
    LD_LIBRARY_PATH: libraries,
    XDG_RUNTIME_DIR: runtime,
  };
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env,
  });
  process.exit(status ?? 1);
}
