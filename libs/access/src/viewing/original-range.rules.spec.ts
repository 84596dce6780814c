import fc from 'fast-check';
import { attachment, byteRange } from './original-range.rules.js';

const ETAG = '"abc"';
const asking = (range: string | undefined, size = 1000, ifRange?: string): ReturnType<typeof byteRange> =>
  byteRange({ range, ifRange }, { size, etag: ETAG });
const WHOLE = { kind: 'whole', span: { first: 0, last: 999 } };

describe('a range of a file', () => {
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-499', 0, 499],
    ['bytes=500-', 500, 999],
    ['bytes=-1', 999, 999],
    ['bytes=-1000', 0, 999],
    ['bytes=-5000', 0, 999],
    ['bytes=999-', 999, 999],
    ['bytes=0-99999999999999999999999', 0, 999],
    ['Bytes = 1-2 ', 1, 2],
  ])('%s is bytes %d to %d of a thousand', (range, first, last) => {
    expect(asking(range)).toEqual({ kind: 'part', span: { first, last } });
  });

  it.each(['bytes=1000-', 'bytes=1000-2000', 'bytes=-0', 'bytes=99999999999999999999999-'])('%s lies beyond the end', (range) => {
    expect(asking(range)).toEqual({ kind: 'beyond' });
  });

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'bytes=a-b',
    'bytes=0-1,5-6',
    'bytes=0-1, bytes=5-6',
    'bytes=+1-2',
    'bytes=1.5-2',
    'bytes=0x0-1',
    'bytes=--5',
    'lines=0-1',
    'bytes=0-1\u0000',
  ])('%s is passed over, and the whole file answered', (range) => {
    expect(asking(range)).toEqual(WHOLE);
  });

  it('holds for the version that If-Range names, and no other', () => {
    expect(asking('bytes=0-0', 1000, ETAG)).toMatchObject({ kind: 'part' });
    for (const other of ['"other"', 'W/"abc"', 'abc', '', '*', 'Sat, 29 Oct 1994 19:43:31 GMT'])
      expect(asking('bytes=0-0', 1000, other)).toEqual(WHOLE);
    expect(byteRange({ range: 'bytes=0-0', ifRange: ETAG }, { size: 10, etag: null })).toMatchObject({ kind: 'whole' });
  });

  it('of an empty file is none', () => {
    expect(asking(undefined, 0)).toEqual({ kind: 'whole', span: null });
    for (const range of ['bytes=0-', 'bytes=-1', 'bytes=0-0']) expect(asking(range, 0)).toEqual({ kind: 'beyond' });
  });

  it('whatever the header says, lies within the file', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.bigInt({ min: 0n }), fc.option(fc.bigInt({ min: 0n }))).map(([a, b]) => `bytes=${a}-${b ?? ''}`),
      fc.nat(3000).map((n) => `bytes=-${n}`),
    );
    fc.assert(
      fc.property(header, fc.nat(2000), (range, size) => {
        const asked = asking(range, size);
        if (asked.kind === 'beyond' || asked.span === null) return;
        expect(asked.span.first).toBeGreaterThanOrEqual(0);
        expect(asked.span.last).toBeGreaterThanOrEqual(asked.span.first);
        expect(asked.span.last).toBeLessThan(size);
      }),
    );
  });
});

describe('the name under which a file is stored', () => {
  it.each([
    ['stop.mp4', 'attachment; filename="stop.mp4"'],
    ['a "quoted" name.mp4', 'attachment; filename="a _quoted_ name.mp4"'],
    ['../../etc/passwd', 'attachment; filename="_.._etc_passwd"'],
    ['..\\evil', 'attachment; filename="_evil"'],
    ['', 'attachment; filename="original"'],
    ['\r\nSet-Cookie: a=b', 'attachment; filename="Set-Cookie_ a=b"'],
    ['exe.\u202e4pm', 'attachment; filename="exe.4pm"'],
    ['Überfall.mp4', 'attachment; filename="_berfall.mp4"; filename*=UTF-8\'\'%C3%9Cberfall.mp4'],
  ])('%j becomes %s', (name, header) => {
    expect(attachment(name)).toBe(header);
  });

  it('is a header that nothing gets out of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(attachment(name)).toMatch(
          /^attachment; filename="[ !#-$&-)+-.0-9;=@-[\]-{}~]+"(; filename\*=UTF-8''[A-Za-z0-9._~%-]+)?$/,
        );
      }),
    );
  });
});
