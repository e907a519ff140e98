import { expect, test } from 'vitest';
import { uriNamesOf } from '../../src/links/certificate-names.ts';

test.each([
  [undefined, []],
  ['', []],
  ['DNS:localhost', []],
  ['URI:tdc:ab', ['tdc:ab']],
  ['DNS:localhost, URI:tdc:ab, IP Address:127.0.0.1', ['tdc:ab']],
  ['URI:tdc:ab, URI:tdc:cd', ['tdc:ab', 'tdc:cd']],
  ['URI:"tdc:ab, URI:tdc:cd"', ['"tdc:ab, URI:tdc:cd"']],
  ['DNS:"a, URI:tdc:ab", URI:x', ['x']],
  [String.raw`URI:"quote \" and \u0000"`, [String.raw`"quote \" and \u0000"`]],
])('link.15: of %j the names are %j', (text, names) => {
  expect(uriNamesOf(text)).toEqual(names);
});

test.each(['URI:tdc:ab,URI:tdc:cd', 'URI:tdc:ab, ', ', URI:tdc:ab', 'URI:"tdc:ab', 'URI:"tdc:ab"x', 'tdc:ab'])(
  'link.15: %j names nobody, or as a whole one that is no key',
  (text) => {
    expect(uriNamesOf(text).filter((name) => /^tdc:[0-9a-f]*$/.test(name))).toEqual([]);
  },
);
