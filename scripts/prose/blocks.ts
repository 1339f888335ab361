/** A paragraph, list item, quotation or table cell of a page: its words without markup. */
export interface Block {
  /** of the page, from 1 */
  readonly line: number;
  readonly text: string;
}

/** A line of a page that is prose: no code, no table, no HTML, no heading. */
export interface ProseLine {
  readonly line: number;
  readonly text: string;
}

export interface Page {
  readonly lines: readonly ProseLine[];
  readonly blocks: readonly Block[];
}

/** What begins a block of its own: a list item or a quotation. */
const begins = /^\s*(?:[-*+]|\d+\.|>)\s+/;
/** A line of HTML alone, or of a link's definition. */
const markup = /^\s*(?:<|\[[^\]]+\]:)/;

/** The prose of a Markdown page. Table cells are blocks, but no lines, since a row cannot be wrapped. */
export function parsePage(markdown: string): Page {
  const lines: ProseLine[] = [];
  const blocks: Block[] = [];
  let open: { line: number; parts: string[] } | undefined;
  let fence: string | undefined;
  let html = false;
  const close = () => {
    if (open) blocks.push({ line: open.line, text: plain(open.parts.join(' ')) });
    open = undefined;
  };
  for (const [index, text] of markdown.split('\n').entries()) {
    const line = index + 1;
    const mark = /^\s*(```|~~~)/.exec(text)?.[1];
    if (fence !== undefined || mark !== undefined) {
      close();
      if (fence === undefined) fence = mark;
      else if (mark === fence) fence = undefined;
      continue;
    }
    html = text.trim() !== '' && (html || (open === undefined && markup.test(text)));
    if (text.trim() === '' || html) close();
    else if (/^#+ /.test(text)) {
      close();
      lines.push({ line, text });
    } else if (/^\s*\|/.test(text)) {
      close();
      if (!/^[\s|:-]*$/.test(text)) blocks.push(...cellsOf(text).map((cell) => ({ line, text: cell })));
    } else {
      if (begins.test(text)) close();
      open ??= { line, parts: [] };
      open.parts.push(text.replace(begins, '').trim());
      lines.push({ line, text });
    }
  }
  close();
  return { lines, blocks };
}

const cellsOf = (row: string): string[] =>
  plain(row)
    .split('|')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '');

/** Code as one word, links as their text, no tags and no emphasis. */
const plain = (text: string): string =>
  text
    .replaceAll(/(`+).+?\1/g, 'Code')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/[*_]{1,3}(\S.*?\S|\S)[*_]{1,3}/g, '$1');
