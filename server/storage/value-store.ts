/**
 * Values by name in a store that several processes share. What a signal ends rejects with its reason, and holds no
 * connection any more. `redis.ts` and `s3.ts` implement it.
 */
export interface ValueStore {
  /** the value, or undefined when there is none */
  get(name: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** whether there is a value; counts as its use where the store removes what is used least */
  has(name: string, signal: AbortSignal): Promise<boolean>;
  /** resolves when the store has taken the value. @param seconds after which it may go; 0 for never */
  set(name: string, value: Uint8Array, seconds: number, signal: AbortSignal): Promise<void>;
  /** whether there was one */
  remove(name: string, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}
