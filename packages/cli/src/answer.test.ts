import { describe, expect, it } from 'vitest';
import { textTable } from './answer.ts';

describe('a table for people', () => {
  it('has columns as wide as what is in them, and no blanks at the end of a line', () => {
    const rows = [
      ['job', 'state', ''],
      ['kidney-1', 'running', ''],
      ['k', 'failed', 'Too few sites.'],
    ];
    expect(textTable(rows)).toBe('job       state\nkidney-1  running\nk         failed   Too few sites.');
  });
});
