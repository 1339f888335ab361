import { expect, it } from 'vitest';
import { snippetsOf } from '../../web/snippets.ts';

const task = { place: 'server', id: 'abc', tellsKnown: true, labels: ['b', 'a'], size: 160 } as const;
const service = { origin: 'https://host', wantsKey: false, threshold: 0.3 };
const textOf = (...given: Parameters<typeof snippetsOf>) =>
  snippetsOf(...given)
    .map(({ text }) => text)
    .join('\n');

it('snippets ask for what is unknown where the model can tell', () => {
  expect(textOf(task, service)).toContain("'https://host/v1/tasks/abc/predictions?threshold=0.30'");
  expect(textOf(task, service)).toContain('["probabilities", "known"]');
  const older = textOf({ ...task, tellsKnown: false }, service);
  expect(older).not.toMatch(/threshold|known/);
  expect(textOf(task, service).match(/< 0\.30/g)).toHaveLength(3);
});

it('snippets name the key of a service that wants one, and do not write it out', () => {
  expect(textOf(task, service)).not.toContain('Authorization');
  const guarded = textOf(task, { ...service, wantsKey: true });
  expect(guarded.match(/curl -H "Authorization: Bearer \$API_KEY" /g)).toHaveLength(2);
});

it('a task of this device has no requests to the service', () => {
  const texts = snippetsOf({ ...task, place: 'device' }, service);
  expect(texts.map(({ name }) => name)).toEqual(['Python', 'JavaScript in a browser', 'JavaScript in Node']);
});
