import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { genotypeKey } from '../../../model/search-space/genotype.ts';
import type { AdaptImagesRequest } from '../../../server/ports.ts';
import { genotypesByDepth } from '../../support/random-trunk.ts';
import { createFakeAdapter, everyKind, imagesCheckpoint } from '../support/adapter.ts';
import type { FakeAdapter } from '../support/adapter.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support as points } from '../support/regression.ts';
import { support } from '../support/tasks.ts';

const { expectProblem } = problemsOf('routes/budgets.test.ts');
const imagesOf = (answer: request.Response) => answer.body as Schema<'ImagesTask'>;

/** A service whose default checkpoint of images has three architectures; `other` says nothing of its own. */
const choosing = (): FakeAdapter =>
  createFakeAdapter([{ ...imagesCheckpoint('photos', true), genotypes: 3 }, ...everyKind.slice(1)]);

/** The architectures that the last adaptation was left with. */
const allowedOf = ({ calls }: FakeAdapter): (string | undefined)[] | undefined =>
  (calls.at(-1) as AdaptImagesRequest).allowed?.map(({ genotype }) => genotypeKey(genotype));
const keys = genotypesByDepth.map(genotypeKey);

describe('a budget', () => {
  test('leaves the architectures that cost no more, is told, kept, and part of the id', async () => {
    const adapter = choosing();
    const { app, post } = await harness({ adapter });
    const free = imagesOf(await post('/v1/tasks', support));
    expect(free.budget).toBeUndefined();
    expect(allowedOf(adapter)).toBeUndefined();
    const answer = await post('/v1/tasks?maxWeights=24&maxMultiplyAdds=26', support);
    expectContract(answer, 'post', '/v1/tasks');
    const task = imagesOf(answer);
    expect(answer.status).toBe(201);
    expect(task.budget).toEqual({ maxWeights: 24, maxMultiplyAdds: 26 });
    expect(task.id).not.toBe(free.id);
    expect(allowedOf(adapter)).toEqual(keys.slice(0, 2)); // three classes: 12 and 9 for each architecture more
    const again = await post('/v1/tasks?maxMultiplyAdds=26&maxWeights=24', support);
    expect(again.status).toBe(200);
    expect(imagesOf(await request(app).get(`/v1/tasks/${task.id}`))).toEqual(task);
    expect(imagesOf(await post('/v1/tasks', support)).id).toBe(free.id);
    expect(adapter.calls).toHaveLength(2);
  });

  test('holds for tasks that nobody waits for, and for estimates', async () => {
    const adapter = choosing();
    const { app, post } = await harness({ adapter });
    const begun = await post('/v1/tasks?maxBytes=5000', support).set('Prefer', 'respond-async, wait=10');
    expect(imagesOf(begun).budget).toEqual({ maxBytes: 5000 });
    const task = await request(app).get(`/v1/tasks/${imagesOf(begun).id}`);
    expect(imagesOf(task).budget).toEqual({ maxBytes: 5000 });
    const estimate = await post('/v1/estimates?maxBytes=5000', support);
    expectContract(estimate, 'post', '/v1/estimates');
    expect(estimate.body).toMatchObject({ budget: { maxBytes: 5000 } });
    expect(allowedOf(adapter)).toEqual(keys.slice(0, 1));
  });

  test('that nothing keeps is refused before any work, with the limit that binds and its least value', async () => {
    const adapter = choosing();
    const { post } = await harness({ adapter });
    for (const path of ['/v1/tasks', '/v1/estimates']) {
      const problem = expectProblem(
        await post(`${path}?maxWeights=11&maxMultiplyAdds=9`, support),
        'budget-too-small',
      );
      expect(problem.shortfalls).toEqual([{ limit: 'maxWeights', given: 11, least: 12 }]);
      expect(problem.detail).toContain('maxWeights is 11, the least possible is 12');
    }
    expectProblem(
      await post('/v1/tasks?maxBytes=1', support).set('Prefer', 'respond-async'),
      'budget-too-small',
    );
    expect(adapter.calls).toEqual([]);
    expect((await post('/v1/tasks?maxWeights=12&maxMultiplyAdds=9', support)).status).toBe(201);
  });

  test('counts the labels of the task among the bytes', async () => {
    const { post } = await harness({ adapter: choosing() });
    const leastOf = async (parts: typeof support) =>
      expectProblem(await post('/v1/tasks?maxBytes=1', parts), 'budget-too-small').shortfalls![0]!.least;
    const longer = support.map((part) => ({ ...part, name: part.name === 'red' ? 'red-é' : part.name! }));
    expect(await leastOf(longer)).toBe((await leastOf(support)) + 3);
  });

  test('holds of what was made, too: a larger file than was counted is not kept', async () => {
    const adapter = choosing();
    const costs = adapter.genotypeCosts.bind(adapter);
    adapter.genotypeCosts = async (...of) =>
      (await costs(...of)).map((cost) => ({ ...cost, plain: { ...cost.plain, bytes: 1 } }));
    const { app, post } = await harness({ adapter });
    const { shortfalls } = expectProblem(await post('/v1/tasks?maxBytes=200', support), 'budget-too-small');
    expect(shortfalls![0]).toMatchObject({ limit: 'maxBytes', given: 200 });
    expect(adapter.calls).toHaveLength(1);
    const begun = await post('/v1/tasks?maxBytes=201', support).set('Prefer', 'respond-async');
    const { id } = begun.body as { id: string };
    await expect.poll(async () => (await request(app).get(`/v1/tasks/${id}`)).status).toBe(404);
    const progress = await request(app).get(`/v1/tasks/${id}/progress`);
    expect(progress.body).toMatchObject({ state: 'failed', problem: { code: 'budget-too-small' } });
  });

  test.each(['0', '-1', 'small', '1e3', '1.5', '', '1000000000000000', '0x10', '+5'])(
    'of %j is refused',
    async (value) => {
      const { post } = await harness({ adapter: choosing() });
      for (const name of ['maxWeights', 'maxMultiplyAdds', 'maxBytes'])
        for (const path of ['/v1/tasks', '/v1/estimates']) {
          const answer = await post(`${path}?${name}=${encodeURIComponent(value)}`, support);
          expect(expectProblem(answer, 'invalid-query').detail).toContain(`${name}: a whole number from 1`);
        }
    },
  );

  test('is refused where there is nothing to choose from: of points, and of a checkpoint without a list', async () => {
    const { post, postJson } = await harness({ adapter: choosing() });
    const ofPoints = await postJson('/v1/tasks?maxBytes=100000', { support: points });
    expect(expectProblem(ofPoints, 'invalid-query').detail).toBe(
      'maxBytes: budgets are there for tasks of images only.',
    );
    const any = await post('/v1/tasks?checkpoint=other&maxBytes=100000&maxWeights=5', support);
    expect(expectProblem(any, 'invalid-query').detail).toBe(
      'maxWeights, maxBytes: the checkpoint other has no list of architectures to choose from.',
    );
  });
});

describe('the list of checkpoints', () => {
  test('tells what each architecture costs for so many classes', async () => {
    const { app } = await harness({ adapter: choosing() });
    const listed = async (query: string) => {
      const answer = await request(app).get(`/v1/checkpoints${query}`);
      expectContract(answer, 'get', '/v1/checkpoints');
      return (answer.body as { checkpoints: Schema<'ImagesCheckpoint'>[] }).checkpoints;
    };
    const [first, ...others] = await listed('');
    expect(first!.architectures?.ways).toBe(5);
    expect(first!.architectures?.choices.map(({ key, weights }) => [key, weights])).toEqual(
      keys.map((key, i) => [key, 20 * (1 + i)]),
    );
    expect(others.map(({ architectures }) => architectures)).toEqual([undefined, undefined, undefined]);
    expect((await listed('?ways=20'))[0]!.architectures).toMatchObject({
      ways: 20,
      choices: [{ weights: 80 }, { weights: 160 }, { weights: 240 }],
    });
    for (const ways of ['1', '21', 'many', '05'])
      expectProblem(await request(app).get(`/v1/checkpoints?ways=${ways}`), 'invalid-query');
  });

  test('counts once what many ask for', async () => {
    const adapter = choosing();
    const first = adapter.genotypeCosts('photos', 4);
    expect(adapter.genotypeCosts('photos', 4)).toBe(first);
    expect(adapter.genotypeCosts('photos', 5)).not.toBe(first);
    expect(await first).toHaveLength(3);
  });
});
