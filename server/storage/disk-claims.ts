import { mkdir, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { claimName } from './claims.ts';
import type { Claims } from './claims.ts';
import { codeOf, isMissing } from '../../engine/files.ts';
import { exists, syncFolder } from './files.ts';

/** Claims as empty files: `claims/<id>/owner-<name>` of the data folder. */
export class DiskClaims implements Claims {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, 'claims');
  }

  async add(id: string, owner: string): Promise<void> {
    const own = join(this.#folder, id);
    const first = await mkdir(own, { recursive: true });
    const file = await open(join(own, claimName(owner)), 'a');
    await file.close();
    await syncFolder(own);
    await syncFolder(this.#folder);
    if (first === this.#folder) await syncFolder(join(this.#folder, '..'));
  }

  has(id: string, owner: string): Promise<boolean> {
    return exists(join(this.#folder, id, claimName(owner)));
  }

  async remove(id: string, owner: string): Promise<boolean> {
    try {
      await rm(join(this.#folder, id, claimName(owner)));
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    await rmdir(join(this.#folder, id)).catch((error: unknown) => {
      if (!isMissing(error) && codeOf(error) !== 'ENOTEMPTY') throw error; // others have claims
    });
    return true;
  }

  /** Forgets who has asked for a task that is gone. */
  async forget(id: string): Promise<void> {
    await rm(join(this.#folder, id), { recursive: true, force: true });
  }
}
