import { describe, expect, test } from 'vitest';
import { ConfigurationError, parseConfiguration } from '../../server/configuration.ts';

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
      MNAS_QUEUE: 0,
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
    ['MNAS_WORKER', '2'], // misspelt
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => parseConfiguration({ [name]: value })).toThrow(ConfigurationError);
    expect(() => parseConfiguration({ [name]: value })).toThrow(`${name}: `);
  });
});
