/** Coding-independent code points (ITU-T H.273) whose picture is as good as sRGB's: of BT.709, BT.601 and sRGB. */
const knownPrimaries: ReadonlySet<number> = new Set([1, 2, 5, 6, 7]);
const knownTransfers: ReadonlySet<number> = new Set([1, 2, 6, 13, 14, 15]);

/** Whether colours of these code points can be taken for sRGB's; those of Display P3 and HDR cannot. */
export const isLikeSrgb = (primaries: number, transfer: number): boolean =>
  knownPrimaries.has(primaries) && knownTransfers.has(transfer);
