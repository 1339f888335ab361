/** Kept until the tab is closed. */
const name = 'm-nas-api-key';

/** This page's own, for browsers that forbid it to store anything: naming their storage throws. */
let held: string | null = null;

/** Whether a header can carry it: printable ASCII without spaces. */
export const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

/** The key for a service that wants one (docs/operation.md). */
export function rememberKey(key: string): void {
  held = key;
  try {
    sessionStorage.setItem(name, key);
  } catch {
    // it is asked for again when the page is
  }
}

/** The key that was given last; null where none was. */
export function knownKey(): string | null {
  if (held !== null) return held;
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Whether requests are sent with a key. */
export const hasKey = (): boolean => knownKey() !== null;

/** Headers of a request to the service. */
export function authorization(): Readonly<Record<string, string>> {
  const key = knownKey();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}
