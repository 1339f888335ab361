import type { ClassDraft, Draft } from './draft.ts';
import { nameOf } from './draft.ts';
import type { Checked } from './images.ts';

/** Something to say of one image of the draft. */
export interface Remark {
  readonly text: string;
  /** a problem keeps a task from being made; a doubt does not */
  readonly kind: 'problem' | 'doubt';
}

/** What is known of the draft's files so far. */
export type Findings = ReadonlyMap<Blob, Checked>;

/** Remarks by the key of the image: what cannot be used, and what is there twice. */
export function remarksOn(draft: Draft, findings: Findings): ReadonlyMap<number, Remark> {
  const remarks = new Map<number, Remark>();
  const places = new Map<string, { readonly entry: ClassDraft; readonly key: number }[]>();
  for (const entry of draft)
    for (const { key, file } of entry.shots) {
      const { problem, hash } = findings.get(file) ?? {};
      if (problem !== undefined) remarks.set(key, { text: problem, kind: 'problem' });
      else if (hash !== undefined) places.set(hash, [...(places.get(hash) ?? []), { entry, key }]);
    }
  for (const same of places.values())
    for (const { entry, key } of same) {
      const others = [...new Set(same.filter((one) => one.key !== key).map((one) => one.entry))];
      if (others.length > 0) remarks.set(key, { text: twice(entry, others), kind: 'doubt' });
    }
  return remarks;
}

function twice(own: ClassDraft, others: readonly ClassDraft[]): string {
  const elsewhere = others.filter((entry) => entry !== own);
  if (elsewhere.length === 0) return `This image is in “${nameOf(own)}” twice.`;
  const names = elsewhere.map((entry) => `“${nameOf(entry)}”`).join(' and ');
  return `The same image is in ${names}, too: keep it in one class only.`;
}

/** In how many images something is to be mended before a task can be made, in words. */
export function problemsIn(remarks: ReadonlyMap<number, Remark>): string | undefined {
  const count = [...remarks.values()].filter(({ kind }) => kind === 'problem').length;
  if (count === 0) return undefined;
  return count === 1
    ? 'One image cannot be used; remove it.'
    : `${count} images cannot be used; remove them.`;
}
