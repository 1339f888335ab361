import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing } from './files.ts';

/** What a bundle was made of, and what was made. */
export interface Contents {
  /** SHA-256 of every source, by path */
  readonly sources: Readonly<Record<string, string>>;
  /** names of files in the bundle's folder */
  readonly files: readonly string[];
}

/** Its file in the bundle. */
const contentsName = 'contents.json';
/** Begins the name of an empty file that tells the number of a process which uses the bundle. */
const usedBy = 'used-by-';
/** What no process uses is removed so long after its last change; so is what was never finished. */
const staleMs = 3_600_000;

export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/**
 * A folder that none but this user can write to, in one where all may; it is there afterwards.
 * @param uid of the user; undefined on Windows, where the temporary folder is the user's own
 * @returns undefined where its name is taken by something that others could change
 */
export function ownFolder(parent: string, uid = process.geteuid?.()): string | undefined {
  const path = join(parent, `m-nas-bundles${uid === undefined ? '' : `-${uid}`}`);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  if (uid === undefined) return path;
  const found = lstatSync(path); // of a link, not of what it leads to
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0 ? path : undefined;
}

/** Bundles that processes share: each a folder that appears as a whole. */
export class KeptBundles {
  readonly #folder: string;
  readonly #marks = new Set<string>();

  /** @param folder that none but this user can write to, since what lies in it is run */
  constructor(folder: string) {
    this.#folder = folder;
    process.once('exit', () => this.#marks.forEach((mark) => rmSync(mark, { force: true })));
  }

  /**
   * The bundle of a key whose sources are as they were when it was made; it stays as long as this process.
   * @returns path of its folder; undefined when there is none
   */
  async find(key: string): Promise<string | undefined> {
    for (const name of await readdir(this.#folder)) {
      const bundle = join(this.#folder, name);
      if (!name.startsWith(`${key}-`) || !(await isWhole(bundle))) continue;
      await this.#use(bundle);
      return bundle;
    }
    return undefined;
  }

  /**
   * Makes a bundle, which stays as long as this process, and removes what nobody uses any more.
   * @param key what it is made of, but for the sources
   * @param make fills an empty folder, and tells from what
   * @returns path of its folder
   * @throws what `make` throws
   */
  async add(key: string, make: (folder: string) => Promise<Contents>): Promise<string> {
    await this.#removeStale();
    const made = await mkdtemp(join(this.#folder, 'making-'));
    try {
      await writeFile(join(made, contentsName), JSON.stringify(await make(made)));
      const bundle = made.replace(/making-(?=\w+$)/, `${key}-`);
      await rename(made, bundle);
      await this.#use(bundle);
      return bundle;
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }

  async #use(bundle: string): Promise<void> {
    const mark = join(bundle, `${usedBy}${process.pid}`);
    this.#marks.add(mark);
    await writeFile(mark, '');
  }

  async #removeStale(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (await isStale(path)) await rm(path, { recursive: true, force: true });
    }
  }
}

/** Whether all of it is there, and its sources are what they were. */
async function isWhole(bundle: string): Promise<boolean> {
  try {
    const contents = await readFile(join(bundle, contentsName), 'utf8');
    const { sources, files } = JSON.parse(contents) as Contents;
    const isSame = async ([path, hash]: [string, string]): Promise<boolean> =>
      sha256(await readFile(path)) === hash;
    return (
      files.every((file) => existsSync(join(bundle, file))) &&
      (await Promise.all(Object.entries(sources).map(isSame))).every(Boolean)
    );
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether it is old and no running process uses it. */
async function isStale(path: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(path)).mtimeMs < staleMs) return false;
    const names = await readdir(path);
    return !names.some((name) => name.startsWith(usedBy) && isRunning(Number(name.slice(usedBy.length))));
  } catch (error) {
    if (isMissing(error)) return false; // another process has removed it
    throw error;
  }
}

/** Whether this user has a process of that number. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
