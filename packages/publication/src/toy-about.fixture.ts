/** What people say of the toy publications. */
import { type About, parseAbout } from './crate/about.ts';

export const toyAbout: About = parseAbout({
  title: 'A toy',
  description: 'An untrained network, to be published in tests.',
  version: '1.2.3',
  date: '2026-11-26',
  authors: [{ name: 'Ada Example', affiliation: 'Example Hospital', orcid: 'https://orcid.org/0000-0002-1825-0097' }],
  licence: 'CC-BY-4.0',
  intendedUse: 'Tests.',
  dataSheet: { Motivation: 'To have something to test.' },
});
