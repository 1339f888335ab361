const markerCodes = { end: 0xd9, scan: 0xda, progressive: 0xc2, fill: 0xff } as const;
/** Start of frame, whatever the coding (ITU-T T.81, table B.1). */
const frames: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc9, 0xca]);
const endMarker = Uint8Array.of(0xff, markerCodes.end);

/**
 * A JPEG file that lacks nothing but its end marker, with one; browsers show such files. Undefined for one that has its
 * end, and for one that is cut before its last scan.
 */
export function withEndMarker(bytes: Uint8Array): Uint8Array | undefined {
  const scans = new Scans();
  let at = 2;
  while (at + 1 < bytes.length) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff || marker === markerCodes.end) return undefined;
    if (marker === markerCodes.fill) {
      at++;
      continue;
    }
    const end = at + 2 + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0);
    if (end > bytes.length) return undefined;
    scans.note(marker, bytes.subarray(at + 4, end));
    at = marker === markerCodes.scan ? endOfScan(bytes, end) : end;
  }
  return scans.areWhole ? Buffer.concat([bytes.subarray(0, at), endMarker]) : undefined;
}

/** Where the next marker begins, or the bytes end; a lone 0xFF at the end is half a marker. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 2)) {
    const next = bytes[at + 1];
    const isData = next === 0 || (next !== undefined && next >= 0xd0 && next <= 0xd7); // stuffed, or a restart
    if (!isData) return at;
  }
  return bytes.length;
}

/** What of the coefficients the scans so far have told, by component. */
class Scans {
  /** bits that are still missing of each of 64 coefficients */
  readonly #missing = new Map<number, Uint8Array>();
  #isProgressive = false;

  get areWhole(): boolean {
    const all = [...this.#missing.values()];
    return all.length > 0 && all.every((missing) => missing.every((bits) => bits === 0));
  }

  note(marker: number, body: Uint8Array): void {
    if (frames.has(marker)) {
      this.#isProgressive = marker === markerCodes.progressive || marker === 0xca;
      for (let at = 6; at + 2 < body.length; at += 3)
        this.#missing.set(body[at]!, new Uint8Array(64).fill(255));
    } else if (marker === markerCodes.scan) this.#scan(body);
  }

  /** A scan's header: its components, and in progressive files which coefficients up to which bit. */
  #scan(body: Uint8Array): void {
    const count = body[0] ?? 0;
    const [first = 0, last = 63, bits = 0] = body.subarray(1 + 2 * count);
    for (let at = 1; at < 1 + 2 * count; at += 2) {
      const missing = this.#missing.get(body[at]!);
      if (this.#isProgressive) missing?.fill(bits & 15, first, last + 1);
      else missing?.fill(0);
    }
  }
}
