/** Code points of a label. */
export const longestLabel = 100;

/** A label as it is kept, or why there is none, as a clause without a full stop. */
export type LabelReading = { readonly label: string } | { readonly problem: string };

/** Line feeds and other controls, line and paragraph separators. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** Halves of surrogate pairs, noncharacters, and U+FFFD, which stands for bytes that are not UTF-8. */
const broken = /[\p{Cs}\p{Noncharacter_Code_Point}\uFFFD]/u;
/** What nobody sees: zero-width and bidirectional controls, joiners, selectors, fillers, annotations, empty Braille. */
const unseen = /[\p{Default_Ignorable_Code_Point}\uFFF9-\uFFFB\u2800]/u;
/** Whole emoji, whose parts may be joiners, selectors and tags. The flag `v` is newer than the language level here. */
const emoji = new RegExp('\\p{RGI_Emoji}', 'gv');
/** Joiners inside words of scripts that are written with them (Unicode Standard Annex 31, 2.3). */
const joined =
  /(?<=[\p{L}\p{M}])(?<=[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}])[\u200C\u200D](?=[\p{L}\p{M}])/gu;

/**
 * The one rule of labels, whatever way they come in: Unicode NFC; white space of any kind at the ends is dropped and
 * inside becomes one space; 1 to 100 code points; no controls, no broken characters, and nothing that cannot be seen
 * but where a script or an emoji needs it. So labels that look alike are alike.
 */
export function readLabel(text: string): LabelReading {
  if (broken.test(text)) return { problem: 'the label is not Unicode' };
  if (controls.test(text)) return { problem: 'the label has a control character' };
  const label = canonicalLabel(text);
  if (label === '') return { problem: 'the label is blank' };
  const visible = label.replace(emoji, '').replace(joined, '');
  const hidden = unseen.exec(visible)?.[0].codePointAt(0);
  if (hidden !== undefined) return { problem: `the label has the invisible character ${nameOf(hidden)}` };
  const length = Array.from(label).length;
  if (length > longestLabel)
    return { problem: `the label has ${length} characters, ${longestLabel} are allowed` };
  return { label };
}

/** What labels are compared by: NFC, white space as one space, none at the ends. */
export const canonicalLabel = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/\p{Zs}+/gu, ' ')
    .replace(/^ | $/g, '');

const nameOf = (codePoint: number) => `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
