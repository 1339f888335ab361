import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '../../bench/serve/free-port.ts';
import { startRedis } from '../../bench/serve/redis.ts';
import type { Redis } from '../../bench/serve/redis.ts';
import { startService } from '../../bench/serve/start.ts';
import type { StartedService } from '../../bench/serve/start.ts';
import { answerSeconds, patience, until } from './client.ts';
import { measuredPace } from './pace.ts';
import type { Pace } from './pace.ts';

/** A replica or a worker; what it logs is kept. */
export interface Member extends StartedService {
  readonly lines: () => readonly Readonly<Record<string, unknown>>[];
  readonly kill: () => Promise<void>;
}

/** Everything that runs: Redis with an append-only file, replicas, workers, and what is in front of the replicas. */
export class Stage {
  readonly folder: string;
  readonly nginx = spawnSync('nginx', ['-v']).status === 0;
  readonly replicas: Member[] = [];
  readonly workers: Member[] = [];
  redis: Redis;
  /** of all members so far, from the start until they were ready, seconds */
  slowestStart = 0;
  #pace: Pace | undefined;
  #proxy: ChildProcess | undefined;
  #port = 0;
  #turn = 0;

  private constructor(folder: string, redis: Redis) {
    this.folder = folder;
    this.redis = redis;
  }

  static async open(): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'm-nas-queue-'));
    // on all addresses, since namespaces reach it by one of their own
    return new Stage(folder, await startRedis({ folder, bind: '0.0.0.0' }));
  }

  /** What a member's environment says; `host` is where it finds Redis. */
  environment(host = '127.0.0.1'): Record<string, string> {
    const redis = this.redis.url.replace('127.0.0.1', host);
    return {
      MNAS_QUEUE: redis,
      MNAS_STORAGE: `${redis}/1`,
      MNAS_WORKERS: '1',
      MNAS_PREDICTION_WORKERS: '1',
      MNAS_NOTICE_SECONDS: '0',
      // what is late on a slow machine is not what is tried
      MNAS_REQUEST_SECONDS: String(answerSeconds),
    };
  }

  /** A replica or a worker that is ready. */
  async start(kind: 'replica' | 'worker'): Promise<Member> {
    const role = kind === 'worker' ? { role: kind } : {};
    const begun = performance.now();
    const member = watched(
      await startService({ ...role, folder: this.folder, environment: this.environment() }),
    );
    await this.untilReady(member);
    this.slowestStart = Math.max(this.slowestStart, (performance.now() - begun) / 1000);
    this[kind === 'worker' ? 'workers' : 'replicas'].push(member);
    return member;
  }

  /** Waits until a member takes work: the first one as long as it takes. */
  async untilReady({ url }: Pick<Member, 'url'>): Promise<void> {
    const seconds = this.slowestStart === 0 ? answerSeconds : patience(this.slowestStart);
    await until(`${url}/readyz`, ({ status }) => status === 200, seconds);
  }

  /** How fast the machine is. @throws Error before it was measured */
  get pace(): Pace {
    if (!this.#pace) throw new Error('the pace is measured first');
    return this.#pace;
  }

  /** Measures that, once the members are there. */
  async measure(): Promise<Pace> {
    this.#pace = await measuredPace(this.replicas[0]!.url);
    return this.#pace;
  }

  /** Where the next request goes: to nginx, which takes the replicas in turn, or to the next one. */
  url(): string {
    if (this.#proxy) return `http://127.0.0.1:${this.#port}`;
    this.#turn++;
    return this.replicas[this.#turn % this.replicas.length]!.url;
  }

  /** Puts nginx in front of the replicas, where it is there. */
  async balance(): Promise<void> {
    if (!this.nginx) return;
    this.#port = await freePort();
    const servers = this.replicas.map(
      ({ url }) => `server ${new URL(url).host} max_fails=1 fail_timeout=5s;`,
    );
    const path = join(this.folder, 'nginx.conf');
    // else its workers may not write into the folder
    const user = process.getuid?.() === 0 ? 'user root; ' : '';
    await writeFile(
      path,
      `${user}daemon off; pid ${this.folder}/nginx.pid; error_log ${this.folder}/nginx.log;
      events {}
      http {
        access_log off; client_max_body_size 64m; proxy_read_timeout ${answerSeconds}s;
        client_body_temp_path ${this.folder}/body; proxy_temp_path ${this.folder}/proxy;
        fastcgi_temp_path ${this.folder}/f; uwsgi_temp_path ${this.folder}/u; scgi_temp_path ${this.folder}/s;
        upstream replicas { ${servers.join(' ')} }
        server { listen 127.0.0.1:${this.#port}; location / { proxy_pass http://replicas; } }
      }`,
    );
    this.#proxy = spawn('nginx', ['-c', path, '-p', this.folder], { stdio: 'ignore' });
    await until(`${this.url()}/readyz`, ({ status }) => status === 200, patience(0));
  }

  /** Kills Redis, and starts it again after so many milliseconds, with what it has on disk. */
  async restartRedis(whileAway: () => Promise<void>): Promise<void> {
    const { port } = this.redis;
    await this.redis.stop();
    await whileAway();
    this.redis = await startRedis({ folder: this.folder, port, bind: '0.0.0.0' });
  }

  async close(): Promise<void> {
    this.#proxy?.kill('SIGTERM');
    for (const member of [...this.replicas, ...this.workers]) await member.kill();
    await this.redis.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A started process whose log can be read, and that can be killed. */
export function watched(started: StartedService): Member {
  const { child } = started;
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { ...started, lines, kill };
}

/** When workers took jobs and left them, by the log: milliseconds since 1970. */
export const jobLines = (
  { lines }: Pick<Member, 'lines'>,
  message: 'job taken' | 'job stopped' | 'job left',
) => lines().filter(({ msg }) => msg === message) as { readonly time: number; readonly job: string }[];
