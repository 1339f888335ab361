import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bundleScript } from '../../engine/bundle.ts';
import { KeptBundles, ownFolder, sha256 } from '../../engine/kept-bundles.ts';
import type { Contents } from '../../engine/kept-bundles.ts';
import { sharedFolder } from '../support/shared-folder.ts';

const root = sharedFolder();
const uid = process.geteuid!();

async function newFolder(name: string): Promise<string> {
  await mkdir(root(name));
  return root(name);
}

describe('the folder of a user', () => {
  test('is made once, for nobody else', async () => {
    const parent = await newFolder('parent');
    const own = ownFolder(parent)!;
    expect(own).toBe(join(parent, `m-nas-bundles-${uid}`));
    expect(ownFolder(parent)).toBe(own);
    await writeFile(join(own, 'file'), '');
    for (const mode of [0o720, 0o702, 0o777]) {
      await chmod(own, mode);
      expect(ownFolder(parent)).toBeUndefined();
    }
    await chmod(own, 0o700);
    expect(ownFolder(parent)).toBe(own);
  });

  test('is not what another user has made, nor a link to a folder, nor a file', async () => {
    const parent = await newFolder('taken');
    await mkdir(join(parent, `m-nas-bundles-${uid + 1}`), { mode: 0o700 });
    expect(ownFolder(parent, uid + 1)).toBeUndefined();
    await mkdir(join(parent, 'mine'), { mode: 0o700 });
    await symlink(join(parent, 'mine'), join(parent, `m-nas-bundles-${uid}`));
    expect(ownFolder(parent)).toBeUndefined();
    await rm(join(parent, `m-nas-bundles-${uid}`));
    await writeFile(join(parent, `m-nas-bundles-${uid}`), '', { mode: 0o600 });
    expect(ownFolder(parent)).toBeUndefined();
  });
});

/** What makes a bundle that is a copy of its source. */
async function copier(name: string) {
  const source = root(`${name}.txt`);
  await writeFile(source, 'one');
  const make = async (made: string): Promise<Contents> => {
    const content = await readFile(source, 'utf8');
    await writeFile(join(made, 'copy.txt'), content);
    return { sources: { [source]: sha256(content) }, files: ['copy.txt'] };
  };
  return { source, make, folder: await newFolder(name) };
}

/** The number of a process that has ended. */
const endedPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

const age = (path: string, minutes: number): Promise<void> => {
  const then = Date.now() / 1000 - 60 * minutes;
  return utimes(path, then, then);
};

describe('bundles that processes share', () => {
  test('are found again while their sources stay the same, by their key', async () => {
    const { source, make, folder } = await copier('found');
    const first = new KeptBundles(folder);
    expect(await first.find('key')).toBeUndefined();
    const one = await first.add('key', make);
    const another = new KeptBundles(folder);
    expect(await another.find('key')).toBe(one);
    expect(await another.find('ke')).toBeUndefined();

    await writeFile(source, 'two');
    expect(await another.find('key')).toBeUndefined();
    const two = await another.add('key', make);
    expect(await readFile(join(two, 'copy.txt'), 'utf8')).toBe('two');
    expect(await readFile(join(one, 'copy.txt'), 'utf8')).toBe('one'); // still there for who uses it
    await writeFile(source, 'one');
    expect(await first.find('key')).toBe(one);
    await rm(source);
    expect(await first.find('key')).toBeUndefined();
  });

  test('are not found once a file of theirs is gone', async () => {
    for (const gone of ['copy.txt', 'contents.json']) {
      const { make, folder } = await copier(`gone ${gone}`);
      const kept = new KeptBundles(folder);
      await rm(join(await kept.add('key', make), gone));
      expect(await kept.find('key')).toBeUndefined();
    }
  });

  test('leave nothing of one that fails', async () => {
    const folder = await newFolder('fails');
    const fail = async (made: string): Promise<Contents> => {
      await writeFile(join(made, 'half.txt'), '');
      throw new Error('on purpose');
    };
    await expect(new KeptBundles(folder).add('key', fail)).rejects.toThrow('on purpose');
    expect(await readdir(folder)).toEqual([]);
  });

  test('go an hour after their last change where no process that runs uses them', async () => {
    const { make, folder } = await copier('stale');
    const kept = new KeptBundles(folder);
    const add = async (name: string, pid: number, minutes: number): Promise<string> => {
      const path = join(folder, name);
      await mkdir(path);
      await writeFile(join(path, `used-by-${pid}`), '');
      await age(path, minutes);
      return name;
    };
    const ended = endedPid();
    await add('key-stale', ended, 61);
    await add('making-abc', ended, 61);
    const stay = [
      await add('key-young', ended, 59),
      await add('key-used', process.pid, 61),
      await add('other-used', process.pid, 6000),
    ];
    const made = await kept.add('key', make);
    expect((await readdir(folder)).sort()).toEqual([...stay, basename(made)].sort());
  });

  test('know the process that made or found them, until it ends', async () => {
    const { make, folder } = await copier('used');
    const made = await new KeptBundles(folder).add('key', make);
    expect(await readdir(made)).toContain(`used-by-${process.pid}`);
    await rm(join(made, `used-by-${process.pid}`));
    await new KeptBundles(folder).find('key');
    expect(await readdir(made)).toContain(`used-by-${process.pid}`);

    const file = fileURLToPath(new URL('../../engine/kept-bundles.ts', import.meta.url));
    const script = root('finds.ts');
    await writeFile(
      script,
      `import { readdirSync } from 'node:fs';
       import { KeptBundles } from ${JSON.stringify(file)};
       const found = await new KeptBundles(${JSON.stringify(folder)}).find('key');
       console.log(process.pid, readdirSync(found!).join(' '));`,
    );
    const { stdout } = spawnSync(process.execPath, [await bundleScript(script)], { encoding: 'utf8' });
    const [pid, ...names] = stdout.trim().split(' ');
    expect(names).toContain(`used-by-${pid}`);
    expect((await readdir(made)).sort()).toEqual(['contents.json', 'copy.txt', `used-by-${process.pid}`]);
  });
});
