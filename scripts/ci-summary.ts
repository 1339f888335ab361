import * as z from 'zod';

/** What is read of the report that vitest's JSON reporter writes. */
const reportSchema = z.object({
  numPassedTests: z.number().int(),
  numFailedTests: z.number().int(),
  numPendingTests: z.number().int(),
  numTodoTests: z.number().int(),
  testResults: z.array(
    z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
});

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts of a whole run: tests, and 1 failed for every failed step. A test file that failed without a failed test (it
 * could not be loaded, or a hook of it threw) counts as 1; so does a vitest that failed for no reason in its report,
 * such as an unhandled rejection, and one that wrote no report (`null`).
 * @throws ZodError when the report is not vitest's
 */
export function summarise(report: unknown, vitestFailed: boolean, failedSteps: number): Summary {
  if (report === null) return { passed: 0, failed: 1 + failedSteps, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } =
    reportSchema.parse(report);
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length;
  const found = numFailedTests + brokenFiles;
  const failed = (vitestFailed ? Math.max(1, found) : found) + failedSteps;
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests };
}

/** `N passed, N failed`, and `, N skipped` if any. */
export const summaryLine = ({ passed, failed, skipped }: Summary): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
