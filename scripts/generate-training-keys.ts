import { readFile, writeFile } from 'node:fs/promises';
import { withTrainingKeys } from './training-keys.ts';

/** Writes the tables of keys of docs/training.md anew. */
const path = new URL('../docs/training.md', import.meta.url);
await writeFile(path, withTrainingKeys(await readFile(path, 'utf8')));
