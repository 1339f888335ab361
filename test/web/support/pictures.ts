import sharp from 'sharp';

export interface UploadFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export const colours = { red: '#c22', green: '#2a3', blue: '#23b' } as const;
export type Colour = keyof typeof colours;

/** A disc of one colour on a light ground, as a photo would be: not square, position and size vary with the number. */
const disc = (colour: Colour, i: number): Buffer =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="240" fill="#eee"/>
    <circle cx="${140 + 12 * i}" cy="${130 - 9 * i}" r="${60 + 6 * i}" fill="${colours[colour]}"/></svg>`);

export const png = async (colour: Colour, i: number): Promise<UploadFile> => ({
  name: `${colour}-${i}.png`,
  mimeType: 'image/png',
  buffer: await sharp(disc(colour, i)).png().toBuffer(),
});

export const jpeg = async (colour: Colour, i: number): Promise<UploadFile> => ({
  name: `${colour}-${i}.jpg`,
  mimeType: 'image/jpeg',
  buffer: await sharp(disc(colour, i)).jpeg({ quality: 85 }).toBuffer(),
});
