// AssemblyScript: compiled to ../binary.ts by `npm run generate:kernels`. Pointers are bytes into the module's memory.

/**
 * The float32 of `count` finite float16 numbers, a multiple of eight. No step has a denormal float32 in it, which threads
 * may treat as zero: those of float16 get an exponent first, whose value is subtracted then.
 */
export function widen(count: usize, from: usize, to: usize): void {
  for (let i: usize = 0; i < count; i += 8) {
    const halves = v128.load(from + 2 * i);
    v128.store(to + 4 * i, widened(i32x4.extend_low_i16x8_u(halves)));
    v128.store(to + 4 * i + 16, widened(i32x4.extend_high_i16x8_u(halves)));
  }
}

function widened(half: v128): v128 {
  const size = v128.and(half, i32x4.splat(0x7fff));
  const sign = i32x4.shl(v128.xor(half, size), 16);
  const normal = i32x4.add(i32x4.shl(size, 13), i32x4.splat(112 << 23));
  const raised = i32x4.add(normal, i32x4.splat(1 << 23));
  const subnormal = f32x4.sub(raised, i32x4.splat(113 << 23));
  const isSubnormal = i32x4.lt_s(size, i32x4.splat(0x400));
  return v128.or(sign, v128.bitselect(subnormal, normal, isSubnormal));
}
