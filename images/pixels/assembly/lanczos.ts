// AssemblyScript: compiled to ../binary.ts by `npm run generate:kernels`. Pointers are bytes into the module's memory.
//
// A weight w of 22 bits behind the point is given as two of 16 bits: w = high × 2^11 + low. Products of 8-bit values with
// these are exact in 32 bits, two at a time (`dot`), and so are the sums, which wrap: the whole fits in the end.

const shift: i32 = 11;
const precision: i32 = 22;

function whole(high: v128, low: v128): v128 {
  return i32x4.add(i32x4.shl(high, shift), low);
}

/** Sums of 32 bits, rounded and clipped to bytes: the first four are of `a`, the next four of `b`. */
function bytes(a: v128, b: v128): v128 {
  const half = i32x4.splat(1 << (precision - 1));
  const words = i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(a, half), precision),
    i32x4.shr_s(i32x4.add(b, half), precision),
  );
  return i8x16.narrow_i16x8_u(words, words);
}

/** A half of four RGBA pixels, as 16-bit values, on white: v × a / 255 + 255 - a, rounded. */
function onWhite(values: v128, alphas: v128): v128 {
  const white = i16x8.mul(i16x8.sub(i16x8.splat(255), alphas), i16x8.splat(255));
  const sum = i16x8.add(i16x8.add(i16x8.mul(values, alphas), white), i16x8.splat(128));
  return i16x8.shr_u(i16x8.add(sum, i16x8.shr_u(sum, 8)), 8); // below 2^16; equals the rounded quotient by 255
}

/** Puts a row of RGBA bytes on white: RGB bytes. Reads by 4 pixels, and writes 4 bytes beyond them. */
export function flatten(row: usize, pixels: i32, out: usize): void {
  for (let i = 0; i < pixels; i += 4, row += 16, out += 12) {
    const values = v128.load(row);
    const alphas = v128.shuffle<u8>(values, values, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
    const low = onWhite(i16x8.extend_low_i8x16_u(values), i16x8.extend_low_i8x16_u(alphas));
    const high = onWhite(i16x8.extend_high_i8x16_u(values), i16x8.extend_high_i8x16_u(alphas));
    const four = i8x16.narrow_i16x8_u(low, high);
    v128.store(out, v128.shuffle<u8>(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0));
  }
}

/** Parts the RGB bytes of a row into three lines of 16-bit values, `lineBytes` apart; reads and writes by 8 pixels. */
export function part(row: usize, pixels: i32, lines: usize, lineBytes: usize): void {
  const green = lines + lineBytes;
  const blue = green + lineBytes;
  for (let i: usize = 0; i < <usize>(pixels * 2); i += 16, row += 24) {
    const a = v128.load(row);
    const b = v128.load(row + 8); // bytes 8 to 23: byte n of the row is its n + 8th
    const red = v128.shuffle<u8>(a, b, 0, 3, 6, 9, 12, 15, 26, 29, 0, 0, 0, 0, 0, 0, 0, 0);
    v128.store(lines + i, i16x8.extend_low_i8x16_u(red));
    const middle = v128.shuffle<u8>(a, b, 1, 4, 7, 10, 13, 24, 27, 30, 0, 0, 0, 0, 0, 0, 0, 0);
    v128.store(green + i, i16x8.extend_low_i8x16_u(middle));
    const last = v128.shuffle<u8>(a, b, 2, 5, 8, 11, 14, 25, 28, 31, 0, 0, 0, 0, 0, 0, 0, 0);
    v128.store(blue + i, i16x8.extend_low_i8x16_u(last));
  }
}

/**
 * Resamples three lines to one row of RGB bytes. Target i is the sum of `counts[i]` values from `firsts[i]` on, by the
 * weights from i × `stride` on, which go on with zeros to a multiple of 8. Writes one byte more than the row has.
 */
export function across(
  lines: usize,
  lineBytes: usize,
  targets: i32,
  firsts: usize,
  counts: usize,
  high: usize,
  low: usize,
  stride: usize,
  out: usize,
): void {
  for (let i = 0; i < targets; i++) {
    let at = lines + <usize>(load<i32>(firsts + 4 * i) * 2);
    const count = load<i32>(counts + 4 * i);
    let redHigh = i32x4.splat(0);
    let greenHigh = i32x4.splat(0);
    let blueHigh = i32x4.splat(0);
    let redLow = i32x4.splat(0);
    let greenLow = i32x4.splat(0);
    let blueLow = i32x4.splat(0);
    for (let k: usize = 0; k < <usize>(count * 2); k += 16, at += 16) {
      const h = v128.load(high + k);
      const l = v128.load(low + k);
      const red = v128.load(at);
      const green = v128.load(at + lineBytes);
      const blue = v128.load(at + lineBytes + lineBytes);
      redHigh = i32x4.add(redHigh, i32x4.dot_i16x8_s(red, h));
      greenHigh = i32x4.add(greenHigh, i32x4.dot_i16x8_s(green, h));
      blueHigh = i32x4.add(blueHigh, i32x4.dot_i16x8_s(blue, h));
      redLow = i32x4.add(redLow, i32x4.dot_i16x8_s(red, l));
      greenLow = i32x4.add(greenLow, i32x4.dot_i16x8_s(green, l));
      blueLow = i32x4.add(blueLow, i32x4.dot_i16x8_s(blue, l));
    }
    const red = whole(redHigh, redLow);
    const green = whole(greenHigh, greenLow);
    const blue = whole(blueHigh, blueLow);
    // red and green of lanes 0 + 2 and 1 + 3, blue of the same
    const two = i32x4.add(
      v128.shuffle<i32>(red, green, 0, 4, 1, 5),
      v128.shuffle<i32>(red, green, 2, 6, 3, 7),
    );
    const one = i32x4.add(blue, v128.shuffle<i32>(blue, blue, 2, 3, 0, 1));
    const sums = i32x4.add(v128.shuffle<i32>(two, one, 0, 1, 4, 4), v128.shuffle<i32>(two, one, 2, 3, 5, 5));
    v128.store32_lane(out, bytes(sums, sums), 0);
    out += 3;
    high += stride * 2;
    low += stride * 2;
  }
}

/**
 * Adds `count` rows of `rowBytes` bytes (a multiple of 8) up to one, each by its weight. The weights go on with a zero
 * where the count is odd, and the row after the last one can be read then.
 */
export function down(rows: usize, rowBytes: usize, count: i32, high: usize, low: usize, out: usize): void {
  for (let column: usize = 0; column < rowBytes; column += 8) {
    let firstHigh = i32x4.splat(0);
    let secondHigh = i32x4.splat(0);
    let firstLow = i32x4.splat(0);
    let secondLow = i32x4.splat(0);
    let at = rows + column;
    for (let k: usize = 0; k < <usize>(count * 2); k += 4, at += 2 * rowBytes) {
      const h = v128.load32_splat(high + k);
      const l = v128.load32_splat(low + k);
      const one = v128.load8x8_u(at);
      const next = v128.load8x8_u(at + rowBytes);
      const first = v128.shuffle<i16>(one, next, 0, 8, 1, 9, 2, 10, 3, 11);
      const second = v128.shuffle<i16>(one, next, 4, 12, 5, 13, 6, 14, 7, 15);
      firstHigh = i32x4.add(firstHigh, i32x4.dot_i16x8_s(first, h));
      secondHigh = i32x4.add(secondHigh, i32x4.dot_i16x8_s(second, h));
      firstLow = i32x4.add(firstLow, i32x4.dot_i16x8_s(first, l));
      secondLow = i32x4.add(secondLow, i32x4.dot_i16x8_s(second, l));
    }
    v128.store64_lane(out + column, bytes(whole(firstHigh, firstLow), whole(secondHigh, secondLow)), 0);
  }
}
