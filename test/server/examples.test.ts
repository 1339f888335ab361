import { expect, test } from 'vitest';
import { contract, expectContract, expectRequest } from './support/contract.ts';
import { harness } from './support/harness.ts';

/** Every example of a JSON body in the contract: the path, its name, its value. */
const examples = Object.entries(contract.paths).flatMap(([path, { post }]) =>
  Object.values(post?.requestBody?.content['application/json']?.examples ?? {}).map(({ $ref }) => {
    const name = $ref.split('/').at(-1)!;
    return { path, name, value: contract.components.examples[name]!.value };
  }),
);

/** The support set of the task that an example is for. */
const supportFor = (name: string) =>
  contract.components.examples[/^(Regression|Inference)/.test(name) ? 'RegressionSupport' : 'ImagesSupport']!
    .value;

test('there are examples of every operation that takes JSON', () => {
  const paths = Object.entries(contract.paths).filter(
    ([, { post }]) => post?.requestBody?.content['application/json'],
  );
  expect([...new Set(examples.map(({ path }) => path))]).toEqual(paths.map(([path]) => path));
});

test.each(examples)('$path does what its example $name asks for', async ({ path, name, value }) => {
  expectRequest('post', path, value);
  const { postJson } = await harness();
  const { id } = (await postJson('/v1/tasks', supportFor(name))).body as { id: string };
  const answer = await postJson(path.replace('{id}', id).replace('{version}', '1'), value);
  expectContract(answer, 'post', path);
  expect(answer.status, answer.text).toBe(200);
});
