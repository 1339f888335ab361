import { afterEach, describe, expect, it, vi } from 'vitest';
import { isKey } from '../../web/key.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** The module anew, as in a page that was just opened. */
const opened = () => import('../../web/key.ts');

describe('the key', () => {
  it('is what a header can carry', () => {
    expect(['mnas_0aZ-~', '!'].every(isKey)).toBe(true);
    expect(['', 'a b', 'kéy', 'a\n', '…'].some(isKey)).toBe(false);
  });

  it('outlives the page in a tab that may store', async () => {
    const items = new Map<string, string>();
    const sessionStorage = {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => items.set(name, value),
    };
    vi.stubGlobal('sessionStorage', sessionStorage);
    const first = await opened();
    expect(first.authorization()).toEqual({});
    first.rememberKey('secret');
    vi.resetModules();
    expect((await opened()).authorization()).toEqual({ Authorization: 'Bearer secret' });
  });

  it('is kept by the page where the browser forbids it to store', async () => {
    const forbidden = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    vi.stubGlobal('sessionStorage', { getItem: forbidden, setItem: forbidden });
    const { authorization, hasKey, rememberKey } = await opened();
    expect(hasKey()).toBe(false);
    rememberKey('secret');
    expect(authorization()).toEqual({ Authorization: 'Bearer secret' });
  });
});
