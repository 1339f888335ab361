/** What somebody gets who has made nothing yet. */
export function Promised() {
  return (
    <ul class="promised hint">
      <li>It takes seconds on this service, and longer in this browser alone.</li>
      <li>You see how good it is before you use it.</li>
      <li>You take it away as one file of a few megabytes, with code that runs it.</li>
    </ul>
  );
}
