/** uint8 0..255 to float 0..1, the range of the network's input; same layout. */
export function toFloat(pixels: Uint8Array): Float32Array {
  const floats = new Float32Array(pixels.length);
  // a plain loop, since a callback for every number takes some hundred milliseconds for a support set
  for (let i = 0; i < pixels.length; i++) floats[i] = pixels[i]! / 255;
  return floats;
}
