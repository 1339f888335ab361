import * as z from 'zod';

/** Severities that count, as `--audit-level=moderate` says. */
const counted = ['moderate', 'high', 'critical'];

const reportSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string().optional() })),
});
const refusalSchema = z.object({
  message: z.string().optional(),
  statusCode: z.number().optional(),
  uri: z.string().optional(),
});

/** What `npm audit --json` has printed, in a line, or a line for each weak package. */
export function auditOutcome(printed: string): { readonly text: string; readonly exitCode: 0 | 1 | 2 } {
  const value = parsed(printed);
  const report = reportSchema.safeParse(value);
  if (report.success) {
    const weak = Object.entries(report.data.vulnerabilities).filter(([, { severity }]) =>
      counted.includes(severity),
    );
    if (weak.length === 0) return { text: 'no known weaknesses', exitCode: 0 };
    const lines = weak.map(([name, { severity, range = '' }]) => `${name} ${range}: ${severity}`);
    return { text: lines.join('\n'), exitCode: 1 };
  }
  const { message, statusCode, uri } = refusalSchema.safeParse(value).data ?? {};
  const reason =
    statusCode === undefined ? `failed: ${message ?? 'npm printed no report'}` : `answers ${statusCode}`;
  const registry =
    uri !== undefined && URL.canParse(uri) ? `the registry ${new URL(uri).host}` : 'the registry';
  return { text: `not audited: ${registry} ${reason.split('\n')[0]}`, exitCode: 2 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
