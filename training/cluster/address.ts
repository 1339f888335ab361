/** A Redis by its address alone, without what may be a password. */
export function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The URL of a Redis. @throws Error of one line when it is none */
export function redisUrl(text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (protocol === 'redis:' || protocol === 'rediss:') return text;
  throw new Error(`${JSON.stringify(text)} is no URL of a Redis: redis://HOST:PORT, or rediss:// for TLS`);
}
