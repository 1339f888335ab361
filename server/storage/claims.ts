/**
 * Which owners have asked for a task. An id is a hash of what was posted, so a task belongs to everyone who has posted that;
 * a claim says so. Owners have names of letters, digits, dots, hyphens and underscores.
 */
export interface Claims {
  /** resolves when the claim is kept as a task is */
  add(id: string, owner: string): Promise<void>;
  /** @throws the signal's reason */
  has(id: string, owner: string, signal?: AbortSignal): Promise<boolean>;
  /** whether there was one */
  remove(id: string, owner: string): Promise<boolean>;
}

/** The last part of a claim's name: no owner makes it a folder's own name. */
export const claimName = (owner: string): string => `owner-${owner}`;
