import { once } from 'node:events';
import { mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { codeOf, isMissing } from './files.ts';

const lockName = 'lock';
/** Of the path of a socket; a longer one would be cut. */
const pathBytes = 103;
/** Until a process that has just taken the lock answers to it. */
const graceMs = 50;
/** Looks at a lock that nobody answers to, each of two such times or more. */
const mostTries = 10;
/** No process takes so long to take a lock away. */
const longestTurnMs = 5000;

/** Another process of this machine works with the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

/**
 * The lock of a folder: a socket in it that this process listens on. The system ends that with the process, however it
 * ends, so that no lock outlives its holder. It holds among the processes of one machine, in containers, too.
 */
export class FolderLock {
  readonly #folder: string;
  readonly #unlockable: (reason: string) => void;
  #server: Server | undefined;

  /** @param unlockable told why the folder has no lock, where it cannot have one */
  constructor(folder: string, unlockable: (reason: string) => void) {
    this.#folder = folder;
    this.#unlockable = unlockable;
  }

  /**
   * Takes the lock. Where a file system has no sockets, or takes nothing at present, it is gone without one, which is told.
   * @throws FolderInUseError
   */
  async take(): Promise<void> {
    const path = this.#path();
    for (let tries = 0; tries < mostTries; tries++) {
      try {
        this.#server = await listen(path);
        return;
      } catch (error) {
        if (codeOf(error) !== 'EADDRINUSE') {
          this.#unlockable(String(error));
          return;
        }
      }
      if (await answers(path)) break;
      await clear(path);
    }
    throw new FolderInUseError(`another process works with the folder ${this.#folder}`);
  }

  async release(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    server.close();
    await once(server, 'close');
  }

  #path(): string {
    const paths = [join(this.#folder, lockName), relative('', join(this.#folder, lockName))];
    return paths.sort((a, b) => a.length - b.length)[0]!;
  }
}

async function listen(path: string): Promise<Server> {
  if (Buffer.byteLength(path) > pathBytes) throw new Error(`the path of its lock, ${path}, is too long`);
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, 'listening');
  return server.unref();
}

/** Whether somebody listens on a socket. */
async function answers(path: string): Promise<boolean> {
  for (let asked = 0; asked < 2; asked++) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return true;
    } catch (error) {
      if (!['ECONNREFUSED', 'ENOENT'].includes(String(codeOf(error)))) return true;
    } finally {
      socket.destroy();
    }
    await setTimeout(graceMs);
  }
  return false;
}

/**
 * Takes a socket away that nobody listens on. One process does so at a time: between looking and taking, another would have
 * cleared the folder and taken the lock, and that would be what is taken away.
 */
async function clear(path: string): Promise<void> {
  const turn = `${path}-clearing`;
  try {
    await mkdir(turn);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    await endTurn(turn);
    return;
  }
  try {
    if (!(await answers(path))) await rm(path, { force: true });
  } finally {
    await rmdir(turn);
  }
}

/** Ends the turn of a process that was killed within it. */
async function endTurn(turn: string): Promise<void> {
  try {
    if (Date.now() - (await stat(turn)).mtimeMs > longestTurnMs) await rmdir(turn);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
