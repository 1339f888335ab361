/** Where work waits until it is let through, and tells that it has come. */
export interface Gate {
  /** when work has come */
  readonly reached: Promise<void>;
  /** Comes to it, and waits. */
  readonly pass: () => Promise<void>;
  readonly open: () => void;
}

export function closedGate(): Gate {
  let [open, reach] = [() => {}, () => {}];
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const pass = () => {
    reach();
    return opened;
  };
  return { reached, pass, open: () => open() };
}
