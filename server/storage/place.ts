/** Where tasks are kept. */
export type StoragePlace =
  | { readonly kind: 'disk' }
  /** `url` may hold a password */
  | { readonly kind: 'redis'; readonly url: string }
  /** keys begin with `prefix` */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

const forms = 'disk, redis://HOST:PORT, rediss://HOST:PORT or s3://BUCKET/PREFIX';

/** The value of MNAS_STORAGE. @throws Error that names the forms, never the value: it may hold a password */
export function parseStorage(text: string): StoragePlace {
  if (text === 'disk') return { kind: 'disk' };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'redis:' || url?.protocol === 'rediss:') return { kind: 'redis', url: text };
  if (url?.protocol === 's3:' && url.hostname !== '')
    return { kind: 's3', bucket: url.hostname, prefix: url.pathname.replace(/^\/|\/$/g, '') || 'm-nas' };
  throw new Error(`one of ${forms} is expected`);
}

/** The place in words, without a password. */
export function describeStorage(place: StoragePlace): string {
  switch (place.kind) {
    case 'disk':
      return 'disk';
    case 'redis':
      return withoutPassword(place.url);
    case 's3':
      return `s3://${place.bucket}/${place.prefix}`;
  }
}

/** A URL as it may be printed. */
export function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
}
