import type { ClassedDomain, Split } from '../data/domain.ts';
import { ableClasses, imagesNeeded } from '../data/tasks.ts';

/** The tasks that are asked for. */
export interface AskedTasks {
  readonly split: Split;
  /** Most classes of a task. */
  readonly way: number;
  readonly shots: readonly number[];
  /** Query images a class. */
  readonly query: number;
}

/** A domain, and the shots and ways that it is tested with. */
export interface Setting {
  readonly domain: string;
  readonly shot: number;
  /** As asked for, or as many as the domain has classes for. */
  readonly way: number;
}

export interface Settings {
  readonly settings: readonly Setting[];
  /** Sentences on tasks that have fewer ways than asked for, or that there are none of. */
  readonly notes: readonly string[];
}

/**
 * What is evaluated: every domain and shot with as many ways as it has classes for, at most those asked for; less than two
 * make no task.
 * @param foreign classes that a task has beside its ways
 */
export function settingsOf(
  domains: readonly ClassedDomain[],
  { split, way, shots, query }: AskedTasks,
  foreign = 0,
): Settings {
  const settings: Setting[] = [];
  const notes: string[] = [];
  for (const domain of domains)
    for (const shot of shots) {
      const shape = { way, shot, query };
      const able = ableClasses(domain, split, shape).length;
      const own = Math.min(way, able - foreign);
      const images = `${imagesNeeded(shape)} images or more`;
      const having = `${domain.name} has ${able} ${split} ${able === 1 ? 'class' : 'classes'} of ${images}`;
      const beside = foreign === 0 ? '' : ` beside ${foreign} foreign classes`;
      if (own < 2) notes.push(`${having}: no ${shot}-shot task of two ways or more${beside}`);
      else settings.push({ domain: domain.name, shot, way: own });
      if (own >= 2 && own < way) notes.push(`${having}: its ${shot}-shot tasks have ${own} ways${beside}`);
    }
  return { settings, notes };
}
