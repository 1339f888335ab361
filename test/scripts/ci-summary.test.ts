import { expect, test } from 'vitest';
import { summarise, summaryLine } from '../../scripts/ci-summary.ts';

const file = (status: string, ...tests: readonly string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

const report = (
  counts: { readonly passed?: number; readonly failed?: number; readonly pending?: number },
  ...testResults: readonly object[]
) => ({
  numPassedTests: counts.passed ?? 0,
  numFailedTests: counts.failed ?? 0,
  numPendingTests: counts.pending ?? 0,
  numTodoTests: 0,
  testResults,
});

test('a green run', () => {
  const summary = summarise(report({ passed: 2 }, file('passed', 'passed', 'passed')), false, 0);
  expect(summaryLine(summary)).toBe('2 passed, 0 failed');
});

test('skipped tests are named only if there are any', () => {
  const summary = summarise(report({ passed: 1, pending: 1 }, file('passed', 'passed', 'pending')), false, 0);
  expect(summaryLine(summary)).toBe('1 passed, 0 failed, 1 skipped');
});

test('a failed step counts as one', () => {
  const summary = summarise(report({ passed: 1 }, file('passed', 'passed')), false, 2);
  expect(summaryLine(summary)).toBe('1 passed, 2 failed');
});

test('a failed test counts once, not with its file again', () => {
  const failing = report({ passed: 1, failed: 1 }, file('failed', 'passed', 'failed'));
  expect(summarise(failing, true, 0).failed).toBe(1);
});

test('a file that cannot be loaded counts as one', () => {
  expect(summarise(report({ passed: 1 }, file('passed', 'passed'), file('failed')), true, 0).failed).toBe(1);
});

test('a vitest that fails for no reported reason, or reports nothing, counts as one', () => {
  expect(summarise(report({ passed: 1 }, file('passed', 'passed')), true, 0).failed).toBe(1);
  expect(summarise(null, true, 1)).toEqual({ passed: 0, failed: 2, skipped: 0 });
});
