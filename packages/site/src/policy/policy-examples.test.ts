import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSiteSettings } from '../settings.ts';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import { exampleFile, tryExamples } from './policy-examples.ts';

describe('examples of requests', () => {
  it('that come with Consilium are decided as they say, at a site that has said nothing', async () => {
    using directory = new ToyDirectory();
    const tried = await tryExamples(directory.path, {}, exampleFile);
    expect(tried.length).toBeGreaterThan(5);
    expect(tried.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('of the guide are decided as it says, by the policies of the guide', async () => {
    using directory = new ToyDirectory();
    const guide = readFileSync(new URL('../../../../docs/guides/policy.md', import.meta.url), 'utf8');
    const block = (language: string, containing: string) =>
      [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))]
        .map((match) => match[1]!)
        .find((text) => text.includes(containing))!;
    directory.file('policy/ours.cedar', block('cedar', '@id("nights")'));
    const tried = await tryExamples(directory.path, {}, directory.file('e.yaml', block('yaml', 'name: by day')));
    expect(tried).toHaveLength(4);
    expect(tried.filter(({ ok }) => !ok)).toEqual([]);
    using other = new ToyDirectory();
    other.file('policy/sums.cedar', block('cedar', '@id("sums-of-five")'));
    const sums = `
- { name: of four, expect: refused, policies: [sums-of-five], request: { action: train, job: { sumOfSites: 4 } } }
- { name: of five, expect: allowed, request: { action: train, job: { sumOfSites: 5 } } }
`;
    expect((await tryExamples(other.path, {}, other.file('e.yaml', sums))).map(({ ok }) => ok)).toEqual([true, true]);
    const settings = block('yaml', 'minimumPatients').replace('["3f1a 90bc ..."]', '[]');
    const filters = block('yaml', 'filters:');
    const site = {
      siteId: 'a',
      coordinator: 'https://c.example.org',
      data: '/d',
      ...parse(settings),
      ...parse(filters),
    };
    expect(parseSiteSettings(site).filters).toHaveLength(7);
  });

  it('tell where a site’s own policy says other than is expected, and by which policy', async () => {
    using directory = new ToyDirectory();
    directory.file(
      'policy/own.cedar',
      '@id("no-tests") @explanation("Never on our test patients.") forbid (principal, action == Action::"evaluate", resource) when { context.split == "test" };',
    );
    const examples = directory.file(
      'examples.yaml',
      `
- { name: a test, expect: allowed, request: { action: evaluate, split: test } }
- { name: a test by another policy, expect: refused, policies: [small-counts], request: { action: evaluate, split: test } }
- { name: a validation, expect: allowed, request: { action: evaluate, split: validation } }
`,
    );
    const tried = await tryExamples(directory.path, {}, examples);
    expect(tried.map(({ ok, actual, policies }) => [ok, actual, policies])).toEqual([
      [false, 'refused', ['no-tests']],
      [false, 'refused', ['no-tests']],
      [true, 'allowed', ['project-jobs']],
    ]);
    expect(tried[0]).toMatchObject({
      explanation: '[no-tests] Never on our test patients.',
      told: 'The policy of this site forbids it. Ask the site’s people.',
    });
  });

  it.each([
    ['are not there', undefined],
    ['are no YAML', '- ['],
    ['are no list', 'name: x'],
    ['ask for what there is not', '- { name: x, expect: allowed, request: { action: delete } }'],
    ['say what no request has', '- { name: x, expect: allowed, request: { action: train, colour: red } }'],
  ])('are not tried if they %s', async (_, text) => {
    using directory = new ToyDirectory();
    const path = text === undefined ? `${directory.path}/none.yaml` : directory.file('examples.yaml', text);
    await expect(tryExamples(directory.path, {}, path)).rejects.toMatchObject({ code: 'site.examples-unreadable' });
  });
});
