import { describe, expect, test } from 'vitest';
import { HeaderError, parsePartHeaders } from '../../../server/upload/disposition.ts';

const parse = (disposition: string) =>
  parsePartHeaders(Buffer.from(`Content-Type: image/png\r\nContent-Disposition: ${disposition}`));
/** Percent-encoded bytes as they stand in a header. */
const raw = (text: string) => Buffer.from(text, 'latin1');

describe('the headers of a part', () => {
  test.each([
    // as browsers and curl write them
    ['form-data; name="cat"; filename="1.png"', 'cat', '1.png'],
    ['form-data; name="say %22hi%22%0D%0A"; filename="50%.png"', 'say "hi"\r\n', '50%.png'],
    ['form-data; name="gr\u00fcn"; filename="\u732b.png"', 'gr\u00fcn', '\u732b.png'],
    ['form-data; name="cat"; filename="C:\\photos\\1.png"', 'cat', '1.png'],
    ['form-data; name="cat"; filename="photos/1.png"', 'cat', '1.png'],
    ['form-data; name="a\\"b\\\\c"; filename="x"', 'a"b\\c', 'x'],
    ['form-data; name="a\\b"; filename="x"', 'a\\b', 'x'],
    ['Form-Data;NAME=cat;FileName=1.png', 'cat', '1.png'],
    // aiohttp
    ['form-data; name="black\\ cap"; filename="x.jpg"', 'black cap', 'x.jpg'],
    ['form-data; name="a\\\tb"; filename="x.jpg"', 'a\tb', 'x.jpg'],
    ['form-data; name*=utf-8\'\'gr%C3%BCn; filename="x.jpg"', 'gr\u00fcn', 'x.jpg'],
    // what others write
    ['form-data; name="images"; filename=my cat.png', 'images', 'my cat.png'],
    ['form-data; name="images"; filename="12" screen.png"', 'images', '12" screen.png'],
    ['form-data; name="a"b"; filename="x"', 'a"b', 'x'],
    ['form-data; name="images"; filename="a.png";', 'images', 'a.png'],
    ['form-data;; name = "images" ;filename\t=\ta.png ; ', 'images', 'a.png'],
    ['form-data; name="a"; filename="x"; filename*=UTF-8\'en\'%e7%8c%ab.png', 'a', '\u732b.png'],
    ['form-data; name="a"; filename*=ISO-8859-1\'\'gr%FCn.png', 'a', 'gr\u00fcn.png'],
    ["form-data; name*=windows-1251''%EA%EE%F2; filename=x", '\u043a\u043e\u0442', 'x'],
    ["form-data; name*=Shift_JIS''%94%4C; filename=x", '\u732b', 'x'],
    ['form-data; name*="UTF-8\'\'%F0%9F%90%88"; filename=x', '\u{1f408}', 'x'],
    [
      'form-data; name="=?UTF-8?B?Z3LDvG4=?="; filename="=?iso-8859-1?Q?gr=FCn_1.png?="',
      'gr\u00fcn',
      'gr\u00fcn 1.png',
    ],
    ['form-data; size=3; name="a"; filename="x"', 'a', 'x'],
    // a text field, and forms where no file was chosen
    ['form-data; name="a"', 'a', undefined],
    ['form-data; name="a"; filename=""', 'a', ''],
    ['form-data; name="a"; filename=', 'a', ''],
    ['form-data; name="a"; filename*=utf-8\'\'', 'a', ''],
    ['form-data; name="a"; filename="photos/"', 'a', ''],
    ['form-data; name="a"; filename=".."', 'a', ''],
    ['form-data; name=""; filename="x"', undefined, 'x'],
    ['form-data; filename="x"', undefined, 'x'],
  ])('%s', (disposition, name, file) => {
    expect(parse(disposition)).toEqual({ name, file });
  });

  test('may be folded; bytes that are not UTF-8 are seen to be so', () => {
    const folded = parsePartHeaders(raw('Content-Disposition: form-data;\r\n name="a";\r\n\tfilename="x"'));
    expect(folded).toEqual({ name: 'a', file: 'x' });
    const latin = parsePartHeaders(raw('Content-Disposition: form-data; name="gr\xfcn"; filename="x"'));
    expect(latin.name).toBe('gr\ufffdn');
  });

  test.each([
    ['form-data; name="a"; filename*=UTF-8\'\'100%.png', 'filename* has a % without two digits'],
    ['form-data; name="a"; filename*=x.png', "filename* is not charset'language'value"],
    ['form-data; name="a"; filename*=UTF-8\'\'%ff', 'filename* is not "UTF-8"'],
    ['form-data; name="a"; filename*=klingon\'\'x', 'filename* is not "klingon"'],
    ['form-data; name="=?x-no?Q?a?="; filename=x', 'name is not "x-no"'],
    ['form-data; name="a"; filename*0="x"; filename*1="y"', 'continuation'],
    ['form-data; name="a"; name="b"; filename="x"', 'two parameters name'],
    ['form-data; name="a; filename="x', 'not closed'],
    ['form-data; name="a"; filename', 'no name=value'],
    ['form-data; name="a"; b.png"; filename="x"', 'no name=value'],
    ['attachment; name="a"; filename="x"', '"attachment", not form-data'],
    ['file; filename="x"', '"file", not form-data'],
    ['', '"", not form-data'],
    ['form-data; name="a\0"; filename="x"', 'control character'],
    ['form-data; name="a"; filename="x\n"', 'control character'],
    ['form-data; name="a"\r\nno colon', 'no header'],
    ['form-data; name="a"\r\nContent-Disposition: form-data; name="b"', 'two headers content-disposition'],
    ['form-data; name="a"; filename="x"\r\nContent-Transfer-Encoding: base64', '"base64" is not accepted'],
  ])('%s is refused', (disposition, reason) => {
    expect(() => parse(disposition)).toThrow(HeaderError);
    expect(() => parse(disposition)).toThrow(reason);
  });

  test('a text that only looks like quotes takes no time', () => {
    const started = performance.now();
    for (const text of ['\\ '.repeat(8000), '" '.repeat(4000), '\\'.repeat(16_000), '; '.repeat(8000)])
      expect(() => parse(`form-data; name="${text}x`)).toThrow(HeaderError);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
