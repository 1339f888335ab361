/** Colours of classes that are told apart; of more classes some share one. */
const hues = 8;

/** What a class is drawn with, as a name of the style sheet's. @param position among the classes, from 0 */
export const hueAt = (position: number): string => `hue-${position % hues}`;

/**
 * The same of a label of a task.
 *
 * @param order labels of the classes as they stand on the page; a label that is not there any more has its place in the task
 */
export function hueOf(label: string, labels: readonly string[], order: readonly string[]): string {
  const at = order.indexOf(label);
  return hueAt(at >= 0 ? at : labels.indexOf(label));
}
