import sharp from 'sharp';
import type { Sharp, SharpOptions } from 'sharp';

/**
 * A file's image, ready to be converted to sRGB by its profile. sharp takes no profile of grey with 16 bits, and cuts colours
 * of RGB with 16 bits to those of Display P3 first. So these are rounded to 8 bits, and are what a file of 8 bits is. Linear
 * light keeps its 16 bits, since 8 are too few for what is dark.
 */
export async function withProfileOf16(image: Sharp, options: SharpOptions): Promise<Sharp> {
  const { space, icc } = await image.metadata();
  if (icc === undefined || (space !== 'rgb16' && space !== 'grey16')) return image;
  if (space === 'rgb16' && isLinear(icc)) return image.withIccProfile('srgb');
  const rounded = image
    .autoOrient()
    .keepIccProfile()
    .toColourspace(space === 'rgb16' ? 'srgb' : 'b-w')
    .tiff({ compression: 'none' }); // which takes any profile, a broken one too
  return sharp(await rounded.toBuffer(), options);
}

/** Of the curve that is nearer to linear light than to sRGB's. */
const mostLinear = 1.5;

/** Whether the curve of red (ICC.1:2022, 10.6 and 10.18) is that of linear light, or near it. */
function isLinear(profile: Buffer): boolean {
  const tags = profile.length < 132 ? 0 : profile.readUInt32BE(128);
  for (let at = 132; at + 12 <= profile.length && at < 132 + 12 * tags; at += 12) {
    if (profile.toString('latin1', at, at + 4) !== 'rTRC') continue;
    const curve = profile.readUInt32BE(at + 4);
    if (curve + 16 > profile.length) return false;
    if (profile.toString('latin1', curve, curve + 4) === 'para')
      return profile.readInt32BE(curve + 12) / 65536 < mostLinear;
    const count = profile.readUInt32BE(curve + 8);
    if (count === 0) return true;
    if (count === 1) return profile.readUInt16BE(curve + 12) / 256 < mostLinear;
    const middle = curve + 12 + 2 * (count >> 1);
    return middle + 2 <= profile.length && profile.readUInt16BE(middle) / 65535 > 0.5 ** mostLinear;
  }
  return false;
}
