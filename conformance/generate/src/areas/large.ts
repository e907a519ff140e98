/** large.json: an object above its limit. */
import { VectorFile } from '../cases.ts';
import { zeros } from '../twin/bytes.ts';
import { runner, objectStep } from '../steps.ts';

export function large(): VectorFile {
  const file = new VectorFile('large');
  const run = runner(file.group('object', 'trust.run', 'principals', 'body'));
  run(
    '262145',
    '262,145 zero bytes: step 1 before step 2',
    ['principals.8'],
    ['Limit', 'Order'],
    [objectStep(4, zeros(262_145), 'E_LIMIT')],
  );
  return file;
}
