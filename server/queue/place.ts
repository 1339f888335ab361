import { withoutPassword } from '../storage/place.ts';

/** Where adaptations wait: so many in this process, or in a Redis that several processes share. */
export type QueuePlace =
  | { readonly kind: 'here'; readonly waiting: number }
  /** `url` may hold a password */
  | { readonly kind: 'redis'; readonly url: string };

/** More waiting jobs than that help nobody. */
const MOST_WAITING = 100_000;

/** The value of MNAS_QUEUE. @throws Error that names the forms, never the value: it may hold a password */
export function parseQueue(text: string): QueuePlace {
  if (/^\d{1,6}$/.test(text) && Number(text) <= MOST_WAITING) return { kind: 'here', waiting: Number(text) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'redis:' || url?.protocol === 'rediss:') return { kind: 'redis', url: text };
  throw new Error(`a number from 0 to ${MOST_WAITING}, redis://HOST:PORT or rediss://HOST:PORT is expected`);
}

/** The place in words, without a password. */
export const describeQueue = (place: QueuePlace): string =>
  place.kind === 'here' ? String(place.waiting) : withoutPassword(place.url);
