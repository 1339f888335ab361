import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Short files that take long: unknown to a fresh checkout, which begins with large ones, the last would run alone. */
const longest = [
  'server/main',
  'server/workers/memory-watch',
  'training/outer-loop/trunk-run',
  'training/data/floors',
  'bench/parts',
  'bench/meta-gradient',
  'server/crash',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 3, // more than cores: many a test waits for a process or a time
    // files that run in one process share the modules that they import, which costs a third of the time otherwise;
    // so a test leaves no stub, and what it replaces in a module goes with `vi.resetModules`
    isolate: false,
    // most of what a thread of a test runs, it runs a few times: V8 optimises it eight times as late as it would, which
    // saves a quarter of the processor time of tests that train
    execArgv: ['--interrupt-budget=1000000'],
    sequence: { sequencer: LongestFirst },
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    tags: [
      {
        name: 'slow',
        description: 'The rest of an exhaustive table: left out of npm test, run by npm run test:slow',
        timeout: 240_000,
      },
      {
        name: 'whole',
        description:
          'What takes a whole service, package, cluster or training, from its start to its end, killed or paused on the way: left out of npm test, run by npm run check and npm run test:whole',
      },
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
