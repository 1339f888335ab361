import { existsSync, readFileSync } from 'node:fs';

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: URL): ReadonlySet<string> {
  const text = readFileSync(page, 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  const anchors = new Set<string>();
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const words = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Whether a link of a page leads nowhere; those to other hosts are not looked at. */
function isDead(target: string, here: URL): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const page = new URL(target, here);
  const anchor = decodeURIComponent(page.hash.slice(1));
  page.hash = '';
  if (!existsSync(page)) return true;
  return anchor !== '' && page.pathname.endsWith('.md') && !anchorsOf(page).has(anchor);
}

/** The relative links of a page that lead to no file, or to no heading of one. */
export function deadLinksOf(page: URL): readonly string[] {
  const text = readFileSync(page, 'utf8');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:href|src)="([^"]+)"/g)];
  return targets.map(([, markdown, html]) => (markdown ?? html)!).filter((target) => isDead(target, page));
}
