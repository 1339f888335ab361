/** uint8 0..255 to float 0..1, the range of the network's input; same layout. */
export function toFloat(pixels: Uint8Array): Float32Array {
  return Float32Array.from(pixels, (value) => value / 255);
}
