/** Has nothing to do but to wait for a file that another thread prepares, and says so when it is prepared. */
import { deidentify } from '@consilium/imaging';
import { toySeries } from '../toy-archive.fixture.ts';
import { Preparer } from './preparation.ts';
import { PreparingThread } from './preparing-thread.ts';

const [secret, profile] = [new Uint8Array(32), {}];
let here = 0;
const preparer = new Preparer({
  secret,
  deidentify: (bytes) => {
    here++;
    return deidentify(bytes, { secret, profile });
  },
});
const thread = new PreparingThread({ secret, profile, preparer, beginsAfter: 0 });
const [file] = toySeries({ patient: 'P1' });
for (let before = -1; here !== before; ) {
  before = here;
  await thread.prepare(file!, 1);
  await new Promise((resolve) => setImmediate(resolve));
}
console.log('prepared there');
