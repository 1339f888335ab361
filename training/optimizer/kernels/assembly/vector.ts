// AssemblyScript: compiled to ../binary.ts by `npm run generate:kernels`. Pointers are bytes into the module's memory;
// counts are of float32 numbers, multiples of four.

/** One step of Adam (Algorithm 1 of Kingma & Ba 2014), rates and corrections as in ../../adam.ts. */
export function adam(
  count: usize,
  first: usize,
  second: usize,
  parameters: usize,
  gradient: usize,
  rates: usize,
  scale: f32,
  rate: f32,
  spread: f32,
): void {
  const keepFirst = f32x4.splat(0.9);
  const takeFirst = f32x4.splat(0.1);
  const keepSecond = f32x4.splat(0.999);
  const takeSecond = f32x4.splat(0.001);
  const epsilon = f32x4.splat(1e-8);
  const scales = f32x4.splat(scale);
  const corrections = f32x4.splat(rate);
  const spreads = f32x4.splat(spread);
  for (let i: usize = 0; i < count * 4; i += 16) {
    // scaled before it is squared: a gradient that clipping makes small may be huge
    const g = f32x4.mul(v128.load(gradient + i), scales);
    const m = f32x4.add(f32x4.mul(keepFirst, v128.load(first + i)), f32x4.mul(takeFirst, g));
    const v = f32x4.add(f32x4.mul(keepSecond, v128.load(second + i)), f32x4.mul(takeSecond, f32x4.mul(g, g)));
    v128.store(first + i, m);
    v128.store(second + i, v);
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), spreads), epsilon);
    const step = f32x4.div(f32x4.mul(f32x4.mul(v128.load(rates + i), corrections), m), denominator);
    v128.store(parameters + i, f32x4.sub(v128.load(parameters + i), step));
  }
}

/** Adds `other` to `sum`; returns the sum of the squares of what `sum` is then, in double precision. */
export function accumulate(count: usize, sum: usize, other: usize): f64 {
  let squares = f64x2.splat(0);
  for (let i: usize = 0; i < count * 4; i += 16) {
    const x = f32x4.add(v128.load(sum + i), v128.load(other + i));
    v128.store(sum + i, x);
    const low = f64x2.promote_low_f32x4(x);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  return f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
}
