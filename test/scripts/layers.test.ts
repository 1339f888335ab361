import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

interface RestrictedImports {
  readonly patterns: readonly { readonly regex: string }[];
}

/** Whether the lint rules let a file of that path import from `source`. */
async function allows(file: string, source: string): Promise<boolean> {
  const configuration = (await new ESLint().calculateConfigForFile(file)) as {
    readonly rules: { readonly 'no-restricted-imports'?: readonly [unknown, RestrictedImports] };
  };
  const patterns = configuration.rules['no-restricted-imports']?.[1].patterns ?? [];
  return !patterns.some(({ regex }) => new RegExp(regex, 'u').test(source));
}

describe('layers', () => {
  it.each([
    ['model/graph/new.ts', '../layers/primitive-layers.ts'],
    ['model/graph/new.ts', '../random.ts'],
    ['model/graph/onnx/new.ts', '../../inner-loop/task-runner.ts'],
    ['model/trunk/new.ts', '../inner-loop/task-runner.ts'],
    ['model/trunk/new.ts', 'zod'],
    ['model/new.ts', 'fs'],
    ['model/new.ts', 'node:fs'],
    ['model/new.ts', 'onnxruntime-node'],
    ['model/regression/new.ts', 'pino'],
    ['model/regression/new.ts', '../../engine/pool.ts'],
    ['engine/new.ts', '../model/inner-loop/task-runner.ts'],
    ['engine/tfjs/new.ts', '../../model/parameters.ts'],
    ['model/graph/new.ts', '@tensorflow/tfjs-core'],
    ['images/new.ts', '../model/inner-loop/task-runner.ts'],
    ['training/studies/toy/new.ts', '../../../server/app.ts'],
    ['server/routes/new.ts', '../../training/outer-loop/trainer.ts'],
    ['server/new.ts', '../client/index.ts'],
    ['server/new.ts', '../scripts/crash.ts'],
    ['drawing/new.ts', '../client/index.ts'],
    ['model/new.ts', '../scripts/crash.ts'],
    ['model/new.ts', '../folder-to-come/new.ts'],
    ['engine/new.ts', '../bench/median.ts'],
    ['web/device/new.ts', '../../server/app.ts'],
    ['web/new.ts', '../images/decode.ts'],
    ['client/new.ts', '../model/inner-loop/task-runner.ts'],
    ['contract/new.ts', '../server/app.ts'],
    ['web/new.ts', '../server/app.ts'],
    ['training/studies/toy/figures/new.ts', '../../../../server/app.ts'],
    ['training/optimizer/kernels/new.ts', '../../../client/index.ts'],
    ['images/pixels/new.ts', '../decode.ts'],
    ['images/pixels/new.ts', 'node:timers/promises'],
    ['images/pixels/new.ts', 'sharp'],
  ])('%s may not import %s', async (file, source) => {
    expect(await allows(file, source)).toBe(false);
  });

  it.each([
    ['model/graph/onnx/new.ts', '../primitives.ts'],
    ['model/graph/onnx/new.ts', 'protobufjs/minimal.js'],
    ['model/regression/new.ts', '../graph/graph.ts'],
    ['model/new.ts', 'zod'],
    ['model/trunk/new.ts', '../graph/onnx/encode.ts'],
    ['engine/trunk/new.ts', '../../model/trunk/cut.ts'],
    ['engine/new.ts', '../model/graph/executor.ts'],
    ['engine/tfjs/new.ts', '../../model/graph/primitives.ts'],
    ['training/studies/toy/new.ts', '../../../model/inner-loop/task-runner.ts'],
    ['server/routes/new.ts', '../../engine/pool.ts'],
    ['server/routes/new.ts', '../errors/errors.ts'],
    ['server/answers/bundle/new.ts', '../../../contract/schema.ts'],
    ['web/device/new.ts', '../../contract/openapi.ts'],
    ['web/device/new.ts', '../../images/pixels/resize.ts'],
    ['web/new.ts', '../client/index.ts'],
    ['web/device/new.tsx', '../api.ts'],
    ['client/new.ts', '../contract/openapi.ts'],
  ])('%s may import %s', async (file, source) => {
    expect(await allows(file, source)).toBe(true);
  });

  it('model/ may load nothing while it runs', async () => {
    const configuration = (await new ESLint().calculateConfigForFile('model/graph/new.ts')) as {
      readonly rules: { readonly 'no-restricted-syntax'?: unknown };
    };
    expect(JSON.stringify(configuration.rules['no-restricted-syntax'])).toContain('ImportExpression');
  });
});
