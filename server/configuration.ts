import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { parseKeys } from './access/keys.ts';
import { describeQueue, parseQueue } from './queue/place.ts';
import { describeStorage, parseStorage } from './storage/place.ts';

const whole = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);
const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** What a `transform` throws as an issue of the variable. */
const parsedBy =
  <T>(parse: (text: string) => T) =>
  (text: string, context: z.core.$RefinementCtx): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : String(error));
      return z.NEVER;
    }
  };

const listed = (text: string) => text.split(',').flatMap((item) => item.trim() || []);

function parseOrigins(text: string): readonly string[] {
  for (const origin of listed(text))
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin))
      throw new Error(`${JSON.stringify(origin)} is neither * nor an origin such as https://example.org`);
  return listed(text);
}

/** Every environment variable of the service. docs/configuration.md lists the same keys; a test compares them. */
export const environmentSchema = z.object({
  PORT: whole(0, 65_535).default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  MNAS_DATA_DIR: z.string().min(1).default('.data'),
  MNAS_CHECKPOINTS: z.string().min(1).optional(),
  MNAS_DEFAULT_CHECKPOINT: z.string().min(1).optional(),
  MNAS_STORAGE: z.string().default('disk').transform(parsedBy(parseStorage)),
  MNAS_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  AWS_REGION: z.string().min(1).default('us-east-1'),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional(),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  MNAS_STORED_BYTES: whole(0, 1_048_576 * gibibyte).default(10 * gibibyte),
  MNAS_STORED_DAYS: whole(0, 36_500).default(0),
  MNAS_CACHE_BYTES: whole(0, 64 * gibibyte).default(64 * mebibyte),
  MNAS_PROVIDER: z.enum(['cpu', 'cuda', 'webgpu']).default('cpu'),
  MNAS_WORKERS: whole(1, 256).default(availableParallelism()),
  MNAS_PREDICTION_WORKERS: whole(0, 256).default(1),
  MNAS_THREADS: whole(1, 256).default(1),
  MNAS_MEMORY_BYTES: whole(128 * mebibyte, 1024 * gibibyte).default(2 * gibibyte),
  MNAS_SESSIONS: whole(1, 10_000).default(64),
  MNAS_QUEUE: z.string().default('64').transform(parsedBy(parseQueue)),
  MNAS_QUEUE_JOBS: whole(1, 10_000).default(1000),
  MNAS_REQUEST_COST: whole(1, Number.MAX_SAFE_INTEGER).default(1e12),
  MNAS_CLIENT_COST: whole(1, Number.MAX_SAFE_INTEGER).default(2e12),
  MNAS_UPLOADS: whole(1, 10_000).default(40),
  MNAS_UPLOAD_QUEUE: whole(0, 100_000).default(256),
  MNAS_MAX_BODY_BYTES: whole(1024, 4096 * mebibyte).default(256 * mebibyte),
  MNAS_MAX_FILE_BYTES: whole(1024, 1024 * mebibyte).default(32 * mebibyte),
  MNAS_MAX_PIXELS: whole(1, 1_000_000_000).default(64_000_000),
  MNAS_HEAVY_PIXELS: whole(1, 1_000_000_000).default(64_000_000),
  MNAS_UPLOAD_SECONDS: whole(1, 3600).default(120),
  MNAS_REQUEST_SECONDS: whole(1, 3600).default(180),
  MNAS_CONNECTIONS: whole(1, 1_000_000).default(4096),
  MNAS_KEEP_ALIVE_SECONDS: whole(1, 3600).default(75),
  MNAS_NOTICE_SECONDS: whole(0, 600).default(5),
  MNAS_DRAIN_SECONDS: whole(0, 3600).default(30),
  MNAS_API_KEYS: z.string().default('').transform(parsedBy(parseKeys)),
  MNAS_API_KEYS_FILE: z.string().min(1).optional(),
  MNAS_RATE_LIMIT: whole(0, 1_000_000).default(0),
  MNAS_RATE_SECONDS: whole(1, 86_400).default(60),
  MNAS_TRUST_PROXY: whole(0, 10).default(0),
  MNAS_CORS_ORIGINS: z.string().default('').transform(parsedBy(parseOrigins)),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  OTEL_SDK_DISABLED: z.string().optional(),
  MNAS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export type Configuration = Readonly<z.infer<typeof environmentSchema>>;

/** The environment does not fit the schema; the message names every variable at fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * The configuration of an environment; an empty value counts as absent, and a misspelt MNAS_ name is refused.
 * @throws ConfigurationError
 */
export function parseConfiguration(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const unknown = given
    .map(([name]) => name)
    .filter((name) => name.startsWith('MNAS_') && !(name in environmentSchema.shape));
  const parsed = environmentSchema.safeParse(Object.fromEntries(given));
  const problems = [
    ...unknown.map((name) => `${name}: unknown variable`),
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...(parsed.success ? conflictsOf(parsed.data) : []),
  ];
  if (!parsed.success || problems.length > 0)
    throw new ConfigurationError(`Invalid environment: ${problems.join('; ')}`);
  return parsed.data;
}

/** What workers elsewhere make, a replica has to find. */
const conflictsOf = ({ MNAS_QUEUE: queue, MNAS_STORAGE: storage }: Configuration): string[] =>
  queue.kind === 'redis' && storage.kind === 'disk'
    ? ['MNAS_STORAGE: a queue in Redis needs storage that its processes share, redis:// or s3://']
    : [];

/** Variables whose value nobody may read; the URL of a collector may have a password in it. */
const secrets = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
] as const satisfies (keyof Configuration)[];

/** The configuration as it may be printed: of keys their names only, no password, no secret. */
export function printable(configuration: Configuration): Readonly<Record<string, unknown>> {
  const masked = secrets.flatMap((name) =>
    configuration[name] === undefined ? [] : [[name, '***'] as const],
  );
  return {
    ...configuration,
    MNAS_API_KEYS: configuration.MNAS_API_KEYS.map(({ name, scope }) => `${name}:***:${scope}`),
    MNAS_STORAGE: describeStorage(configuration.MNAS_STORAGE),
    MNAS_QUEUE: describeQueue(configuration.MNAS_QUEUE),
    ...Object.fromEntries(masked),
  };
}
