/** Lines of a square of 24, drawn with the colour of the text. */
const drawings = {
  add: 'M12 5v14M5 12h14',
  camera: 'M4 8h3l1.5-2.5h7L17 8h3v11H4zM12 10a3.2 3.2 0 1 0 .01 0z',
  download: 'M12 4v11M7.5 11l4.5 4.5L16.5 11M5 19.5h14',
  folder: 'M4 6h6l2 2.5h8V19H4z',
  images: 'M4 5h16v14H4zM4 16l4.5-4.5L12 15l3-3 5 5M8.5 8.5h.01',
  make: 'M11 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2zM19 16v5M16.5 18.5h5',
  zip: 'M6 4h12v16H6zM12 4v2M12 8v2M12 12v2M11 16h2v2h-2z',
} as const;

/** A small drawing beside words that say the same. */
export function Icon({ name }: { readonly name: keyof typeof drawings }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}
