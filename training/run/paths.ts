import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of the project. */
export const repository = resolve(import.meta.dirname, '../..');

/** A path with the user's folder in place of a leading `~`, which nobody but a shell resolves. */
export const withoutTilde = (path: string): string =>
  path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;

/** Paths in a configuration are absolute, of the user's folder (`~/`), or relative to the repository. */
export const locatedPath = (path: string): string => resolve(repository, withoutTilde(path));
