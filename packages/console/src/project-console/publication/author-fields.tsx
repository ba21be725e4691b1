/** Who made it: names in the order of authorship. */
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { type DraftAuthor, noAuthor, type PublicationDraft } from './publication-draft.ts';

export interface AuthorFieldsProps {
  readonly draft: PublicationDraft;
  readonly wrong: ReadonlyMap<string, string>;
  readonly onChange: (part: Partial<PublicationDraft>) => void;
}

export function AuthorFields({ draft: { authors, contact }, onChange, wrong }: AuthorFieldsProps) {
  const set = (at: number, part: Partial<DraftAuthor>) =>
    onChange({ authors: authors.map((author, index) => (index === at ? { ...author, ...part } : author)) });
  return (
    <Stack gap="sm">
      {authors.map((author, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: authors are known by their place.
        <Group key={at} gap="sm" align="flex-end" role="group" aria-label={`Author ${at + 1}`}>
          <TextInput
            label="Name"
            value={author.name}
            error={wrong.get(`authors.${at}.name`)}
            onChange={({ currentTarget: { value } }) => set(at, { name: value })}
          />
          <TextInput
            label="Affiliation"
            value={author.affiliation}
            onChange={({ currentTarget: { value } }) => set(at, { affiliation: value })}
          />
          <TextInput
            label="ORCID"
            placeholder="https://orcid.org/0000-…"
            value={author.orcid}
            error={wrong.get(`authors.${at}.orcid`)}
            onChange={({ currentTarget: { value } }) => set(at, { orcid: value })}
          />
          {authors.length > 1 && (
            <Button
              variant="default"
              aria-label={`Remove author ${at + 1}`}
              onClick={() => onChange({ authors: authors.filter((_, index) => index !== at) })}
            >
              Remove
            </Button>
          )}
        </Group>
      ))}
      <Group>
        <Button variant="default" onClick={() => onChange({ authors: [...authors, noAuthor] })}>
          Add an author
        </Button>
      </Group>
      <TextInput
        label="Contact"
        description="For questions about it; may be left out"
        value={contact}
        error={wrong.get('contact')}
        onChange={({ currentTarget: { value } }) => onChange({ contact: value })}
      />
    </Stack>
  );
}
