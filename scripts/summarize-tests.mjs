import { readFileSync } from 'node:fs';

/** usage: summarize-tests.mjs REPORT FAILED_STEPS VITEST_STATUS; prints `N passed, N failed` and fails on any failure. */
const [report, failedSteps, status] = process.argv.slice(2);

function counts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
  } catch (error) {
    console.log(`no test report: ${error.message}`);
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const { passed, failed, skipped } = counts();
// A file that cannot be loaded, or an unhandled error, fails the run without a failed test.
const elsewhere = Number(status) !== 0 && failed === 0 ? 1 : 0;
const failures = failed + Number(failedSteps) + elsewhere;
console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failures > 0 || passed === 0 ? 1 : 0;
