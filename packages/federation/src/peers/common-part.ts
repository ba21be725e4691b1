/**
 * Where a patient goes whom no site has put anywhere: a coin that every site throws alike, from what it knows of the patient
 * and from everybody's keys, so that no site and no name of a job can choose how it falls.
 */
import { createHmac } from 'node:crypto';
import type { Split } from '@consilium/protocol';
import type { PeerRoster } from './peer-roster.ts';

/** Shares of the test and of the validation part, as sites draw them. */
const testShare = 0.25;
const validationShare = 0.15;

export function commonPart({ digest }: Pick<PeerRoster, 'digest'>, identifier: string): Split {
  const coin = createHmac('sha256', Buffer.from(digest, 'hex')).update(`consilium part 1\n${identifier}`).digest();
  const share = coin.readUIntBE(0, 6) / 2 ** 48;
  return share < testShare ? 'test' : share < testShare + validationShare ? 'validation' : 'train';
}
