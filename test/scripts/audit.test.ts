import { expect, test } from 'vitest';
import { auditOutcome } from '../../scripts/audit-outcome.ts';

const weak = (severity: string) => ({ severity, range: '<1.2.3' });

test.each([
  ['nothing is known', { vulnerabilities: { a: weak('low') } }, 'no known weaknesses', 0],
  [
    'something is',
    { vulnerabilities: { a: weak('low'), b: weak('moderate'), c: weak('critical') } },
    'b <1.2.3: moderate\nc <1.2.3: critical',
    1,
  ],
  [
    'the registry has no audit',
    { message: '405 Method Not Allowed', statusCode: 405, uri: 'https://registry.example/-/npm/v1/bulk' },
    'not audited: the registry registry.example answers 405',
    2,
  ],
  [
    'the registry is not there',
    { message: 'request to https://registry.example failed\nat length', error: {} },
    'not audited: the registry failed: request to https://registry.example failed',
    2,
  ],
])('npm run audit says in a line that %s', (_, printed, text, exitCode) => {
  expect(auditOutcome(JSON.stringify(printed))).toEqual({ text, exitCode });
});

test('npm run audit says in a line that npm said nothing', () => {
  expect(auditOutcome('')).toEqual({
    text: 'not audited: the registry failed: npm printed no report',
    exitCode: 2,
  });
});
