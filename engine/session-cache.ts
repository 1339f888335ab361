import { LRUCache } from 'lru-cache';
import type { InferenceSession } from 'onnxruntime-node';

export interface CacheLimits {
  /** sessions kept at once, at least 1 */
  readonly sessions: number;
  /** bytes that they may take together */
  readonly bytes: number;
}

/** A session, or one that is being created, and who uses it. */
export interface CachedSession {
  readonly session: Promise<InferenceSession>;
  /** calls that wait for or run the session; it is released only at zero */
  users: number;
  evicted: boolean;
  /** what it takes, with what it keeps of its largest run; 0 until its file is loaded */
  bytes: number;
  released: Promise<void> | undefined;
}

/** A session above this part of the limit is kept for its own job only: it would drive out everything else. */
const largestPart = 1 / 2;

/** Sessions by key, the least recently used released first: so many, and so many bytes. */
export class SessionCache {
  readonly #limits: CacheLimits;
  readonly #entries: LRUCache<string, CachedSession>;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
    this.#entries = new LRUCache({ max: limits.sessions, dispose: evict });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What all of them take. */
  get bytes(): number {
    return this.#sum(({ bytes }) => bytes);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The session of that key, which is the last one used now. */
  get(key: string): CachedSession | undefined {
    return this.#entries.get(key);
  }

  /** Keeps a session; one that fails is forgotten. */
  add(key: string, session: Promise<InferenceSession>): CachedSession {
    const entry = { session, users: 0, evicted: false, released: undefined, bytes: 0 };
    this.#entries.set(key, entry);
    session.catch(() => {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  /** Notes what the session takes from now on, and releases others where all together take too much. */
  resize(entry: CachedSession, bytes: number): void {
    entry.bytes = bytes;
    this.#bound((other) => other !== entry);
  }

  /** Releases what takes too much between jobs. Resolves when it is released. */
  async trim(): Promise<void> {
    await Promise.all(this.#bound(() => true).flatMap(({ released }) => released ?? []));
  }

  /** Releases every session as soon as its running calls have ended. */
  async clear(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.flatMap(({ released }) => released ?? []));
  }

  /** Evicts large sessions, then the least recently used, until the rest is small enough; of those that may go. */
  #bound(mayGo: (entry: CachedSession) => boolean): CachedSession[] {
    const { bytes } = this.#limits;
    const isLarge = (entry: CachedSession): boolean => entry.bytes > bytes * largestPart;
    const gone: CachedSession[] = [];
    const evictWhile = (tooMuch: (entry: CachedSession) => boolean): void => {
      for (const key of [...this.#entries.rkeys()]) {
        const entry = this.#entries.peek(key)!;
        if (!mayGo(entry) || !tooMuch(entry)) continue;
        gone.push(entry);
        this.#entries.delete(key);
      }
    };
    evictWhile(isLarge);
    evictWhile(() => this.#sum((entry) => (isLarge(entry) ? 0 : entry.bytes)) > bytes);
    return gone;
  }

  #sum(of: (entry: CachedSession) => number): number {
    return [...this.#entries.values()].reduce((total, entry) => total + of(entry), 0);
  }
}

/** For an entry that the cache has let go of. */
function evict(entry: CachedSession): void {
  entry.evicted = true;
  if (entry.users === 0) entry.released = release(entry);
}

/** A session that failed to compile has nothing to release; its error went to whoever asked for it. */
export async function release(entry: CachedSession): Promise<void> {
  const session = await entry.session.catch(() => undefined);
  await session?.release();
}
