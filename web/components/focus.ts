/**
 * Moves the focus away from an element that is about to go: to the next of its kind in the same place, else the one before,
 * else to the first that `otherwise` finds there, else to the page's main part.
 */
export function leaveFocus(going: Element, place: string, kind: string, otherwise?: string): void {
  const around = going.closest(place);
  if (!around) return;
  const all = Array.from(around.querySelectorAll<HTMLElement>(kind));
  const at = all.findIndex((one) => going.contains(one));
  const rest = otherwise === undefined ? null : around.querySelector<HTMLElement>(otherwise);
  const main = document.querySelector('main');
  (all[at + 1] ?? all[at - 1] ?? rest ?? main)?.focus();
}
