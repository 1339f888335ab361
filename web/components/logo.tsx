/** The cell of icon.svg, with the page's colour. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M8 16 16 7M8 16l8 9M16 7l8 9M16 25l8-9M16 7v18" />
      <circle cx="7" cy="16" r="4" />
      <circle cx="16" cy="6" r="4" />
      <circle cx="16" cy="26" r="4" />
      <circle cx="25" cy="16" r="4" />
    </svg>
  );
}
