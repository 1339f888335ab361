import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isTaskId } from './task-id.ts';
import { begun } from './cached.ts';
import type { CacheableStorage } from './cached.ts';
import { isMissing } from '../../engine/files.ts';
import { FolderLock } from '../../engine/folder-lock.ts';
import { isFull, refusesWrites } from './faults.ts';
import {
  emptyFolder,
  exists,
  isIncomplete,
  modelFile,
  readModelFile,
  readRecordFile,
  readTask,
  syncFolder,
  takeStock,
  writeTask,
} from './files.ts';
import { DiskClaims } from './disk-claims.ts';
import { Inventory } from './inventory.ts';
import type { Holding, StorageLimits } from './inventory.ts';
import { StateWatch } from './state.ts';
import type { TaskRecord } from './record.ts';
import { DamagedTaskError, readableTask } from './storage.ts';
import type { StorageStats, StoredTask } from './storage.ts';

/** How often tasks that are too old are looked for. */
const sweepMs = 60_000;
/** A use is written down once in this time: it is there to order evictions, not to be exact. */
const touchMs = 60_000;
/** How long what is known of the disk's state holds, so that probes cost nothing. */
const stateMs = 1000;
/** How often a full disk is made room on for one task, each time twice as much. */
const evictions = 3;

/**
 * Tasks in folders: `tasks/<id>/{task.json,model.onnx}`. They come and go by renaming whole folders between `tasks/`
 * and `temporary/`, which is emptied here: one process a data folder, which a lock sees to. A disk that takes nothing is
 * begun with where the folders are there.
 * @throws FolderInUseError
 */
export async function openDiskStorage(
  folder: string,
  logger: Logger,
  limits: StorageLimits = { bytes: 0, days: 0 },
): Promise<CacheableStorage> {
  return begun(new DiskStorage(folder, logger, limits));
}

class DiskStorage implements CacheableStorage {
  readonly claims: DiskClaims;
  readonly #folder: string;
  readonly #tasks: string;
  readonly #temporary: string;
  readonly #logger: Logger;
  readonly #inventory: Inventory;
  readonly #lock: FolderLock;
  readonly #watch: StateWatch;
  #sweeper: NodeJS.Timeout | undefined;
  #healed: Promise<void> | undefined;
  #evicted = 0;

  constructor(folder: string, logger: Logger, limits: StorageLimits) {
    this.claims = new DiskClaims(folder);
    this.#folder = folder;
    this.#tasks = join(folder, 'tasks');
    this.#temporary = join(folder, 'temporary');
    this.#logger = logger;
    this.#inventory = new Inventory(limits);
    this.#lock = new FolderLock(folder, (reason) =>
      logger.warn({ reason }, 'the data folder cannot be locked'),
    );
    const looks = {
      read: () => this.#healing(() => access(this.#tasks, constants.R_OK)),
      write: () => this.#healing(() => this.#probe()),
    };
    this.#watch = new StateWatch(stateMs, looks, logger);
  }

  async begin(): Promise<void> {
    await this.#settle();
    try {
      await emptyFolder(this.#temporary);
      await syncFolder(this.#folder);
    } catch (error) {
      if (!refusesWrites(error)) throw error;
      this.#logger.error({ err: error }, 'the data folder takes no tasks at present');
    }
    await this.sweep();
    this.#sweeper = setInterval(() => void this.sweep(), sweepMs).unref();
  }

  read(id: string): Promise<StoredTask | undefined> {
    return this.#used(id, readTask);
  }

  readRecord(id: string): Promise<TaskRecord | undefined> {
    return this.#used(id, readRecordFile);
  }

  readModel(record: TaskRecord): Promise<Uint8Array | undefined> {
    return this.#ifWhole(record.id, (folder) => readModelFile(folder, record));
  }

  /** What `work` reads of a task, and that it was used. */
  #used<T>(id: string, work: (folder: string, id: string) => Promise<T>): Promise<T | undefined> {
    return this.#ifWhole(id, async (folder) => {
      const read = await work(folder, id);
      await this.#touch(id);
      return read;
    });
  }

  /** What `work` reads in the folder of a task; undefined where that is not there, or damaged. */
  async #ifWhole<T>(id: string, work: (folder: string) => Promise<T>): Promise<T | undefined> {
    if (!isTaskId(id)) return undefined;
    const folder = join(this.#tasks, id);
    try {
      return await work(folder);
    } catch (error) {
      if (isMissing(error) && !(await exists(folder))) return undefined;
      if (!(error instanceof DamagedTaskError) && !isIncomplete(error)) throw error;
      this.#logger.error({ err: error, task: id }, 'damaged task treated as absent');
      return undefined;
    }
  }

  async keeps({ record }: StoredTask): Promise<boolean> {
    return (await this.#touch(record.id)) !== undefined;
  }

  async write(task: StoredTask): Promise<void> {
    await this.#healing(() => this.#withRoom(task.model.length, () => this.#keep(task)));
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

  readonly state = () => this.#watch.now();

  readonly stats = (): StorageStats => {
    const { tasks, bytes } = this.#inventory;
    return { tasks, bytes, evicted: this.#evicted };
  };

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#lock.release();
  }

  /** Removes what the limits do not allow; what cannot be removed is logged, and tried again the next time. */
  async sweep(): Promise<void> {
    await this.#evict(this.#inventory.expired(Date.now()), 'too old');
    await this.#evict(this.#inventory.overflow(), 'no room');
  }

  /** Makes the folders where they are missing, takes the lock, and looks what is there. */
  async #settle(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await this.#lock.take();
    await mkdir(this.#tasks, { recursive: true });
    await mkdir(this.#temporary, { recursive: true });
    this.#inventory.replace(await takeStock(this.#tasks));
  }

  /** Does the work; where the folders were removed under the service, they are made anew, and it is done once more. */
  async #healing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const gone = isMissing(error) && !((await exists(this.#tasks)) && (await exists(this.#temporary)));
      if (!gone) throw error;
      this.#healed ??= this.#heal().finally(() => (this.#healed = undefined));
      await this.#healed;
      await work();
    }
  }

  async #heal(): Promise<void> {
    if (!(await exists(this.#tasks))) this.#watch.lost('the folder of the tasks was removed');
    await this.#lock.release();
    await this.#settle();
  }

  /** Does the work again as long as the disk is full and tasks can go that were used least, a few times. */
  async #withRoom(bytes: number, work: () => Promise<void>): Promise<void> {
    for (let round = 0; ; round++) {
      try {
        await work();
        return;
      } catch (error) {
        const ids = isFull(error) && round < evictions ? this.#inventory.room(bytes * 2 ** round) : [];
        if ((await this.#evict(ids, 'the disk is full')) === 0) throw error;
      }
    }
  }

  /** Returns how many are gone. */
  async #evict(ids: readonly string[], reason: string): Promise<number> {
    let gone = 0;
    for (const id of ids) {
      try {
        if (!(await this.remove(id))) continue;
        await this.claims.forget(id);
      } catch (error) {
        this.#logger.error({ err: error, task: id }, 'eviction failed');
        continue;
      }
      gone++;
      this.#logger.info({ task: id, reason }, 'task evicted');
    }
    this.#evicted += gone;
    return gone;
  }

  /** Notes a use, if only in memory where it cannot be written down; undefined when there is no such task. */
  async #touch(id: string): Promise<Holding | undefined> {
    const now = Date.now();
    const before = this.#inventory.use(id, now);
    if (!before || now - before.usedAt < touchMs) return before;
    try {
      await utimes(join(this.#tasks, id, modelFile), now / 1000, before.madeAt / 1000);
    } catch (error) {
      // a missing one was removed meanwhile
      if (!isMissing(error)) this.#logger.warn({ err: error, task: id }, 'a use could not be written down');
    }
    return before;
  }

  /** Writes a byte where tasks are written; a full disk passes while there are tasks that can go. */
  async #probe(): Promise<void> {
    const path = join(this.#temporary, `probe-${randomUUID()}`);
    try {
      await writeFile(path, '.', { flag: 'wx' });
    } catch (error) {
      if (!isFull(error) || this.#inventory.room(1).length === 0) throw error;
    }
    await rm(path, { force: true });
    await access(this.#tasks, constants.W_OK);
  }

  async #keep(task: StoredTask): Promise<void> {
    const draft = join(this.#temporary, randomUUID());
    await mkdir(draft);
    try {
      const bytes = await writeTask(draft, task);
      await this.#publish(draft, task.record.id, bytes);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async #publish(draft: string, id: string, bytes: number): Promise<void> {
    // a folder can only be renamed onto nothing: what is there is either whole (and stays) or damaged (and goes)
    if (await exists(join(this.#tasks, id))) {
      if (await readableTask(this.read(id))) return;
      await this.remove(id);
    }
    await rename(draft, join(this.#tasks, id));
    await syncFolder(this.#tasks);
    const now = Date.now();
    this.#inventory.add(id, { bytes, madeAt: now, usedAt: now });
  }
}
