import { execFileSync, spawnSync } from 'node:child_process';

/** A network namespace to be, and the pair of interfaces that leads into it. */
export interface NamespacePlan {
  readonly space: string;
  /** the interface on this side, and its address */
  readonly near: string;
  readonly nearAddress: string;
  /** the interface within, and its address */
  readonly far: string;
  readonly farAddress: string;
}

/** iproute2's command. @throws Error with what it says */
export const ip = (...given: readonly string[]): void => void execFileSync('ip', given, { stdio: 'pipe' });

/** Makes the namespace and its link, by root with iproute2. @throws Error where that cannot be, with a part of it made */
export function openNamespace({ space, near, nearAddress, far, farAddress }: NamespacePlan): void {
  ip('netns', 'add', space);
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space);
  ip('address', 'add', `${nearAddress}/30`, 'dev', near);
  ip('-netns', space, 'address', 'add', `${farAddress}/30`, 'dev', far);
  ip('link', 'set', near, 'up');
  for (const link of ['lo', far]) ip('-netns', space, 'link', 'set', link, 'up');
}

/** Removes what is there of it: a link goes with its namespace, though not at once. What is not there is not missed. */
export function closeNamespace({ space, near }: Pick<NamespacePlan, 'space' | 'near'>): void {
  spawnSync('ip', ['link', 'delete', near]);
  spawnSync('ip', ['netns', 'delete', space]);
}
