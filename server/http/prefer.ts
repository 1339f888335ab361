/** What a client prefers of the way that it is answered (RFC 7240). */
export interface Preferences {
  readonly respondAsync: boolean;
  /** seconds that it would wait for an answer at once */
  readonly wait: number;
}

const mostSeconds = 60;

/** A preference: its name and value, which may be quoted; parameters after a semicolon have no meaning here. */
const preference = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*(?:;.*)?$/s;

/** Reads a `Prefer` header; what it does not understand is ignored, as the standard wants (section 2). */
export function parsePrefer(header: string | undefined): Preferences {
  const given = new Map<string, string>();
  for (const text of (header ?? '').split(',')) {
    const [, name, value = ''] = preference.exec(text) ?? [];
    const key = name?.toLowerCase();
    // the first of several counts
    if (key !== undefined && !given.has(key)) given.set(key, value.replaceAll('"', ''));
  }
  const wait = given.get('wait') ?? '';
  return {
    respondAsync: given.has('respond-async'),
    wait: /^\d{1,9}$/.test(wait) ? Math.min(Number(wait), mostSeconds) : 0,
  };
}
