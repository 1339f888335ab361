import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isTaskId } from './task-id.ts';
import { heldFor } from './held.ts';
import type { CacheableStorage } from './cached.ts';
import { Inventory, type Holding, type StorageLimits } from './inventory.ts';
import { assembleTask, DamagedTaskError, type StorageStats, type StoredTask } from './storage.ts';

const RECORD_FILE = 'task.json';
const MODEL_FILE = 'model.onnx';

/** How often tasks that are too old are looked for. */
const SWEEP_MS = 60_000;
/** A use is written down once in this time: it is there to order evictions, not to be exact. */
const TOUCH_MS = 60_000;
/** How long the answer of a check holds, so that probes cost nothing. */
const CHECK_MS = 1000;

/**
 * Tasks in folders: `tasks/<id>/{task.json,model.onnx}`. They come and go by renaming whole folders between `tasks/`
 * and `temporary/`, which is emptied here: one process a data folder. When a task was made and last used is the
 * modification and the access time of its model.
 */
export async function openDiskStorage(
  folder: string,
  logger: Logger,
  limits: StorageLimits = { bytes: 0, days: 0 },
): Promise<CacheableStorage> {
  const tasks = join(folder, 'tasks');
  const temporary = join(folder, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await mkdir(tasks, { recursive: true });
  await syncFolder(folder);
  const storage = new DiskStorage(
    { tasks, temporary },
    logger,
    new Inventory(limits, await takeStock(tasks)),
  );
  await storage.sweep();
  return storage;
}

/** What the folders of tasks say of themselves; what is no task is left alone. */
async function takeStock(tasks: string): Promise<(readonly [string, Holding])[]> {
  const holdings: (readonly [string, Holding])[] = [];
  for (const id of (await readdir(tasks)).filter(isTaskId)) {
    try {
      const model = await stat(join(tasks, id, MODEL_FILE));
      const record = await stat(join(tasks, id, RECORD_FILE));
      holdings.push([
        id,
        {
          bytes: model.size + record.size,
          madeAt: model.mtimeMs,
          usedAt: Math.max(model.atimeMs, model.mtimeMs),
        },
      ]);
    } catch (error) {
      if (!isMissing(error)) throw error; // a damaged task, which reading it will tell of
    }
  }
  return holdings;
}

class DiskStorage implements CacheableStorage {
  readonly #tasks: string;
  readonly #temporary: string;
  readonly #logger: Logger;
  readonly #inventory: Inventory;
  readonly #sweeper: NodeJS.Timeout;
  #evicted = 0;

  constructor(folders: { tasks: string; temporary: string }, logger: Logger, inventory: Inventory) {
    this.#tasks = folders.tasks;
    this.#temporary = folders.temporary;
    this.#logger = logger;
    this.#inventory = inventory;
    this.#sweeper = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  async read(id: string): Promise<StoredTask | undefined> {
    if (!isTaskId(id)) return undefined;
    const folder = join(this.#tasks, id);
    try {
      const task = await readTask(folder, id);
      await this.#touch(id);
      return task;
    } catch (error) {
      if (isMissing(error) && !(await exists(folder))) return undefined;
      if (!(error instanceof DamagedTaskError) && !isMissing(error)) throw error;
      this.#logger.error({ err: error, task: id }, 'damaged task treated as absent');
      return undefined;
    }
  }

  async keeps({ record }: StoredTask): Promise<boolean> {
    return (await this.#touch(record.id)) !== undefined;
  }

  async write(task: StoredTask): Promise<void> {
    const draft = join(this.#temporary, randomUUID());
    await mkdir(draft);
    try {
      await this.#publish(draft, task);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    await this.#evict(this.#inventory.overflow(), 'no room');
  }

  async remove(id: string): Promise<boolean> {
    if (!isTaskId(id)) return false;
    const trash = join(this.#temporary, randomUUID());
    const had = await rename(join(this.#tasks, id), trash).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error; // it stays, and counts
      },
    );
    this.#inventory.remove(id);
    if (!had) return false;
    await syncFolder(this.#tasks);
    await rm(trash, { recursive: true });
    return true;
  }

  /** Writes a byte where tasks are written. */
  readonly check = heldFor(CHECK_MS, () => this.#probe());

  readonly stats = (): StorageStats => {
    const { tasks, bytes } = this.#inventory;
    return { tasks, bytes, evicted: this.#evicted };
  };

  close(): Promise<void> {
    clearInterval(this.#sweeper);
    return Promise.resolve();
  }

  /** Removes what the limits do not allow; what cannot be removed is logged, and tried again the next time. */
  async sweep(): Promise<void> {
    await this.#evict(this.#inventory.expired(Date.now()), 'too old');
    await this.#evict(this.#inventory.overflow(), 'no room');
  }

  async #evict(ids: readonly string[], reason: string): Promise<void> {
    for (const id of ids) {
      try {
        if (!(await this.remove(id))) continue;
      } catch (error) {
        this.#logger.error({ err: error, task: id }, 'eviction failed');
        continue;
      }
      this.#evicted++;
      this.#logger.info({ task: id, reason }, 'task evicted');
    }
  }

  /** Notes a use, if only in memory where it cannot be written down; undefined when there is no such task. */
  async #touch(id: string): Promise<Holding | undefined> {
    const now = Date.now();
    const before = this.#inventory.use(id, now);
    if (!before || now - before.usedAt < TOUCH_MS) return before;
    try {
      await utimes(join(this.#tasks, id, MODEL_FILE), now / 1000, before.madeAt / 1000);
    } catch (error) {
      // a missing one was removed meanwhile
      if (!isMissing(error)) this.#logger.warn({ err: error, task: id }, 'a use could not be written down');
    }
    return before;
  }

  async #probe(): Promise<void> {
    const path = join(this.#temporary, `probe-${randomUUID()}`);
    await writeFile(path, '.', { flag: 'wx' });
    await rm(path);
    await access(this.#tasks, constants.R_OK | constants.W_OK);
  }

  async #publish(draft: string, task: StoredTask): Promise<void> {
    const { id } = task.record;
    const record = JSON.stringify(task.record);
    await writeDurably(join(draft, MODEL_FILE), task.model);
    await writeDurably(join(draft, RECORD_FILE), record);
    await syncFolder(draft);
    // a folder can only be renamed onto nothing: what is there is either whole (and stays) or damaged (and goes)
    if (await exists(join(this.#tasks, id))) {
      if (await this.read(id)) return;
      await this.remove(id);
    }
    await rename(draft, join(this.#tasks, id));
    await syncFolder(this.#tasks);
    const now = Date.now();
    const bytes = task.model.length + Buffer.byteLength(record);
    this.#inventory.add(id, { bytes, madeAt: now, usedAt: now });
  }
}

async function readTask(folder: string, id: string): Promise<StoredTask> {
  const [text, model] = await Promise.all([
    readFile(join(folder, RECORD_FILE), 'utf8'),
    readFile(join(folder, MODEL_FILE)),
  ]);
  return assembleTask(id, text, model);
}

async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes renames in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, constants.O_RDONLY)).close();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
