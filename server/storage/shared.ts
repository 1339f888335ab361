import type { Logger } from 'pino';
import { isTaskId } from './task-id.ts';
import { unlessAborted, withDeadline } from '../concurrency/in-time.ts';
import { begun } from './cached.ts';
import { claimName } from './claims.ts';
import type { Claims } from './claims.ts';
import type { CacheableStorage } from './cached.ts';
import { refusesWrites } from './faults.ts';
import { isTooOld } from './inventory.ts';
import type { TaskRecord } from './record.ts';
import { StateWatch } from './state.ts';
import { assembleTask, DamagedTaskError, readableTask } from './storage.ts';
import type { StoredTask } from './storage.ts';
import type { ValueStore } from './value-store.ts';

export interface SharedOptions {
  /** after which a task counts as gone; 0 for never */
  readonly days: number;
  /** within which the store has to answer */
  readonly seconds: number;
}

const daySeconds = 86_400;
/** How long what is known of the store's state holds, so that probes cost nothing. */
const stateMs = 5000;
/** Within which the store has to answer a look at its state, so that probes are answered. */
const lookSeconds = 3;
/** Bytes of the length that a value begins with. */
const lengthBytes = 4;
/** The value that tells when the store was begun with, in milliseconds since 1970. */
const birthKey = 'probe';
/** Replicas that begin with an empty store at the same time write births that differ by less. */
const sameBirthMs = 60_000;

/**
 * Tasks in a store that several processes share. A task is one value, so that it is there whole or not at all: the
 * length of its record (uint32, little-endian), the record as JSON in UTF-8, the ONNX file.
 * @throws when the store cannot be read, refuses writes for good, or does not say of a name that it is not there
 */
export async function openSharedStorage(
  store: ValueStore,
  options: SharedOptions,
  logger: Logger,
): Promise<CacheableStorage> {
  return begun(new SharedStorage(store, options, logger));
}

class SharedStorage implements CacheableStorage {
  readonly #store: ValueStore;
  readonly #options: SharedOptions;
  readonly #logger: Logger;
  readonly #watch: StateWatch;
  /** when the store was begun with, as far as this process has seen */
  #birth: number | undefined;

  constructor(store: ValueStore, options: SharedOptions, logger: Logger) {
    this.#store = store;
    this.#options = options;
    this.#logger = logger;
    const looks = {
      read: () => this.#inTime((signal) => this.#readBirth(signal), undefined, lookSeconds),
      write: () => this.#inTime((signal) => this.#writeBirth(signal), undefined, lookSeconds),
    };
    this.#watch = new StateWatch(stateMs, looks, logger);
  }

  /** Looks whether the store can be used. A full or read-only one is begun with: what it has can be read. */
  async begin(): Promise<void> {
    await this.#inTime((signal) => this.#readBirth(signal));
    await this.#inTime((end) => this.#store.has('nothing', end)); // a name that nobody writes
    try {
      await this.#inTime((signal) => this.#writeBirth(signal));
    } catch (error) {
      if (!refusesWrites(error)) throw error;
      this.#logger.error({ reason: String(error) }, 'the store takes no tasks at present');
    }
  }

  async read(id: string, signal?: AbortSignal): Promise<StoredTask | undefined> {
    if (!isTaskId(id)) return undefined;
    const value = await this.#inTime((end) => this.#store.get(id, end), signal);
    if (!value) return undefined;
    try {
      const task = decode(id, value);
      return this.#isExpired(task) ? undefined : task;
    } catch (error) {
      if (!(error instanceof DamagedTaskError)) throw error;
      this.#logger.error({ err: error, task: id }, 'damaged task treated as absent');
      return undefined;
    }
  }

  /** A value is read whole, so with its model. */
  async readRecord(id: string, signal?: AbortSignal): Promise<TaskRecord | undefined> {
    return (await this.read(id, signal))?.record;
  }

  async readModel({ id }: TaskRecord, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return (await this.read(id, signal))?.model;
  }

  async keeps(task: StoredTask, signal?: AbortSignal): Promise<boolean> {
    return !this.#isExpired(task) && this.#inTime((end) => this.#store.has(task.record.id, end), signal);
  }

  async write(task: StoredTask): Promise<void> {
    const { id } = task.record;
    if (await readableTask(this.read(id))) return;
    await this.#set(id, encode(task));
  }

  /** Values without content, beside those of the tasks, with a time to live as theirs. */
  readonly claims: Claims = {
    add: (id, owner) => this.#set(nameOfClaim(id, owner), Buffer.alloc(0)),
    has: (id, owner, signal) => this.#inTime((end) => this.#store.has(nameOfClaim(id, owner), end), signal),
    remove: (id, owner) => this.#inTime((end) => this.#store.remove(nameOfClaim(id, owner), end)),
  };

  async remove(id: string): Promise<boolean> {
    return isTaskId(id) && this.#inTime((end) => this.#store.remove(id, end));
  }

  readonly state = () => this.#watch.now();

  close(): Promise<void> {
    return this.#store.close();
  }

  /** A store whose birth is gone, or is younger than it was, was emptied: nothing else removes it. */
  async #readBirth(signal: AbortSignal): Promise<void> {
    const value = await this.#store.get(birthKey, signal);
    const known = this.#birth;
    // 0.1.0 wrote a byte that is no number
    const birth = value === undefined ? undefined : Number(Buffer.from(value).toString()) || known;
    if (known !== undefined && (birth === undefined || birth > known + sameBirthMs))
      this.#watch.lost('the store was emptied');
    this.#birth = birth;
  }

  async #writeBirth(signal: AbortSignal): Promise<void> {
    const birth = this.#birth ?? Date.now();
    await this.#store.set(birthKey, Buffer.from(String(birth)), 0, signal);
    this.#birth = birth;
  }

  #isExpired({ record }: StoredTask): boolean {
    const { days } = this.#options;
    return isTooOld(Date.parse(record.createdAt), days, Date.now());
  }

  /** Keeps a value for as long as a task. */
  #set(name: string, value: Uint8Array): Promise<void> {
    const seconds = this.#options.days * daySeconds;
    return this.#inTime((end) => this.#store.set(name, value, seconds, end));
  }

  /** The work's value, unless the signal or the time ends it: then its part in the store ends, too. */
  #inTime<T>(
    work: (end: AbortSignal) => Promise<T>,
    signal = new AbortController().signal, // that nobody ends
    seconds = this.#options.seconds,
  ): Promise<T> {
    const late = () => new Error(`no answer within ${seconds} seconds`);
    return withDeadline(seconds, signal, late, (end) => unlessAborted(work(end), end));
  }
}

const nameOfClaim = (id: string, owner: string): string => `claims/${id}/${claimName(owner)}`;

function encode({ record, model }: StoredTask): Uint8Array {
  const text = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, model]);
}

/** @throws DamagedTaskError, ServiceError `newer-task` */
function decode(id: string, value: Uint8Array): StoredTask {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < lengthBytes) throw new DamagedTaskError('the value is too short');
  const end = lengthBytes + bytes.readUInt32LE();
  return assembleTask(id, bytes.toString('utf8', lengthBytes, end), bytes.subarray(end));
}
