import { expect, it } from 'vitest';
import { hueAt, hueOf } from '../../web/hue.ts';

it('a bar has the colour that its class has on the page, whatever the order of labels', () => {
  expect(hueOf('cup', ['cup', 'mug'], ['mug', 'cup'])).toBe(hueAt(1));
});

it('a class that was renamed since has the colour of its place in the task', () => {
  expect(hueOf('cup', ['bowl', 'cup'], ['bowl', 'beaker'])).toBe(hueAt(1));
});

it('colours come again where there are more classes', () => {
  const hues = Array.from({ length: 20 }, (_, i) => hueAt(i));
  expect(new Set(hues).size).toBe(8);
  expect(hues[8]).toBe(hues[0]);
});
