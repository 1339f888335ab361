import { describe, expect, test } from 'vitest';
import { ConfigurationError, parseConfiguration, printable } from '../../server/configuration.ts';

describe('parseConfiguration', () => {
  test('takes numbers, choices and paths, and ignores other programs’ variables', () => {
    const environment = {
      PORT: '0',
      MNAS_DATA_DIR: '/data',
      MNAS_PROVIDER: 'cuda',
      PATH: '/bin',
      MNAS_QUEUE: '0',
    };
    const configuration = parseConfiguration(environment);
    expect(configuration).toMatchObject({
      PORT: 0,
      MNAS_DATA_DIR: '/data',
      MNAS_PROVIDER: 'cuda',
      MNAS_QUEUE: { kind: 'here', waiting: 0 },
    });
    expect(configuration).not.toHaveProperty('PATH');
  });

  test('an empty value counts as absent', () => {
    expect(parseConfiguration({ PORT: '', MNAS_CHECKPOINTS: '' })).toEqual(parseConfiguration({}));
  });

  test.each([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '80.5'],
    ['MNAS_PROVIDER', 'gpu'],
    ['MNAS_WORKERS', '0'],
    ['MNAS_LOG_LEVEL', 'loud'],
    ['MNAS_API_KEYS', 'shop:secret'],
    ['MNAS_CORS_ORIGINS', 'https://example.org/'],
    ['MNAS_CORS_ORIGINS', 'example.org'],
    ['MNAS_STORAGE', 'http://example.org'],
    ['MNAS_STORAGE', 's3://'],
    ['MNAS_S3_ENDPOINT', 'example.org'],
    ['MNAS_QUEUE', '100001'],
    ['MNAS_QUEUE', '-1'],
    ['MNAS_QUEUE', 'http://example.org'],
    ['MNAS_WORKER', '2'], // misspelt
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => parseConfiguration({ [name]: value })).toThrow(ConfigurationError);
    expect(() => parseConfiguration({ [name]: value })).toThrow(`${name}: `);
  });

  test('a queue in Redis needs storage that its processes share', () => {
    const queue = { MNAS_QUEUE: 'rediss://user:hidden@queue.example' };
    expect(() => parseConfiguration(queue)).toThrow('MNAS_STORAGE: a queue in Redis needs');
    const both = parseConfiguration({ ...queue, MNAS_STORAGE: 's3://tasks' });
    expect(both.MNAS_QUEUE).toEqual({ kind: 'redis', url: queue.MNAS_QUEUE });
    expect(printable(both)).toMatchObject({ MNAS_QUEUE: 'rediss://user:***@queue.example' });
  });

  test('lists are split', () => {
    const { MNAS_API_KEYS, MNAS_CORS_ORIGINS } = parseConfiguration({
      MNAS_API_KEYS: `shop:${'0'.repeat(64)}, shop:${'1'.repeat(64)}`,
      MNAS_CORS_ORIGINS: 'https://a.example, http://localhost:3000',
    });
    expect(MNAS_API_KEYS.map(({ name }) => name)).toEqual(['shop', 'shop']);
    expect(MNAS_CORS_ORIGINS).toEqual(['https://a.example', 'http://localhost:3000']);
  });

  test('secrets and passwords are not printed, nor told when a value is refused', () => {
    const environment = {
      MNAS_STORAGE: 'redis://user:hidden@redis.example:6379/1',
      AWS_ACCESS_KEY_ID: 'hidden',
      AWS_SECRET_ACCESS_KEY: 'hidden',
    };
    const printed = JSON.stringify(printable(parseConfiguration(environment)));
    expect(printed).not.toContain('hidden');
    expect(printed).toContain('redis://user:***@redis.example:6379/1');
    expect(() => parseConfiguration({ MNAS_STORAGE: 'http://user:hidden@x' })).toThrow(/^(?!.*hidden)/s);
    expect(printable(parseConfiguration({ MNAS_STORAGE: 's3://bucket/a/b/' }))).toMatchObject({
      MNAS_STORAGE: 's3://bucket/a/b',
    });
  });

  test('neither what is printed nor the refusal of a wrong entry has a key or its hash', () => {
    const hash = 'ab'.repeat(32);
    const printed = JSON.stringify(printable(parseConfiguration({ MNAS_API_KEYS: `shop:${hash}` })));
    expect(printed).toContain('shop:***');
    expect(printed).not.toContain(hash);
    expect(printed).not.toContain('171'); // a byte of the hash
    expect(() => parseConfiguration({ MNAS_API_KEYS: 'shop:clear' })).toThrow(/^(?!.*clear)/s);
  });
});
