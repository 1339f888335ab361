import { execFileSync } from 'node:child_process';
import { closeNamespace, openNamespace } from '../serve/namespace.ts';

/** Addresses of both ends of a link; a network that nobody else here has. */
const [nearAddress, farAddress] = ['10.213.78.1', '10.213.78.2'];

/** A network namespace behind a link that lets so much through. */
export interface ThrottledLink {
  /** Of this side, as the other one reaches it. */
  readonly address: string;
  /** What runs a command on the other side: a prefix of its arguments. */
  readonly prefix: readonly string[];
  readonly remove: () => void;
}

/** Whether links can be made here: by root on Linux, with iproute2. */
export function canThrottle(): boolean {
  try {
    throttledLink(1).remove();
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a namespace and the link to it, by tc's token buckets: some kernels have no netem.
 * @param megabits a second, each way
 * @throws Error where that cannot be
 */
export function throttledLink(megabits: number): ThrottledLink {
  const suffix = process.pid % 10_000;
  const [space, near, far] = [`mnasc${suffix}`, `mnasn${suffix}`, `mnasf${suffix}`];
  const remove = (): void => closeNamespace({ space, near });
  try {
    openNamespace({ space, near, nearAddress, far, farAddress });
    const shape = ['root', 'tbf', 'rate', `${megabits}mbit`, 'burst', '128kb', 'latency', '100ms'];
    execFileSync('tc', ['qdisc', 'add', 'dev', near, ...shape], { stdio: 'pipe' });
    execFileSync('tc', ['-netns', space, 'qdisc', 'add', 'dev', far, ...shape], { stdio: 'pipe' });
  } catch (error) {
    remove();
    throw error;
  }
  return { address: nearAddress, prefix: ['ip', 'netns', 'exec', space], remove };
}
