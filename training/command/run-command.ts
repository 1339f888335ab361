import { debuglog } from 'node:util';

const debug = debuglog('m-nas');

/** What the system's codes mean to a user. */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
};

/** Runs a command. What goes wrong ends it with its message and exit code 1; its stack is told with NODE_DEBUG=m-nas. */
export async function runCommand(main: () => Promise<unknown>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(sentenceOf(error));
    debug('%o', error);
    process.exitCode = 1;
  }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined && code in meanings) return `${path}: ${meanings[code]!}`;
  if (error instanceof TypeError || error instanceof ReferenceError)
    return `${error.message}\nThis is a fault of the program: NODE_DEBUG=m-nas shows where.`;
  return error.message;
}
