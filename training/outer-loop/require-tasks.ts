import type { ClassedDomain } from '../data/domain.ts';
import { hasSomeTasks, imagesNeeded } from '../data/tasks.ts';
import type { TrainingConfiguration } from './configuration.ts';

/** Most numbers of images that the error names. */
const mostNamed = 5;

/**
 * Makes sure that every shape of every stage has training tasks: two classes of a domain with images enough.
 * @throws Error of two lines: the shape that has none, and what the domains have
 */
export function requireTasks(
  { stages }: Pick<TrainingConfiguration, 'stages'>,
  domains: readonly ClassedDomain[],
): void {
  stages.forEach(({ shapes }, i) => {
    shapes.forEach((shape, j) => {
      if (domains.some((domain) => hasSomeTasks(domain, 'train', shape))) return;
      const having = domains.map(({ name, classes }) => {
        const counts = classes.filter(({ split }) => split === 'train').map(({ count }) => count);
        const largest = counts.sort((a, b) => b - a).slice(0, mostNamed);
        return `${name}: ${counts.length} training classes, the largest of ${largest.join(', ') || 'no'} images`;
      });
      throw new Error(
        `stages[${i}].shapes[${j}] (shot ${shape.shot}) needs two training classes of ${imagesNeeded(shape)} images in a domain: add images, or take a smaller shot\n${having.join('; ')}`,
      );
    });
  });
}
