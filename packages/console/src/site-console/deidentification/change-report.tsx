/** What was done to the attributes of one study: by what was done, with names and rules. */
import type { AttributeChange } from '@consilium/archive/api';
import { Badge, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { FactList } from '../../parts/fact-list.tsx';
import { countOf, dicomDateText, keywordText, wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { study } from '../archive-asking.ts';

const actions: readonly (readonly [AttributeChange['action'], string, string])[] = [
  ['removed', 'Removed', 'The attribute is gone.'],
  ['emptied', 'Emptied', 'The attribute is there, without a value.'],
  ['replaced', 'Replaced', 'By a pseudonym or a dummy that means nothing.'],
  ['remapped', 'Remapped', 'UIDs: by others, the same wherever files refer to each other.'],
  ['shifted', 'Shifted', 'Dates: by a number of days that is the same for all of a patient.'],
  ['cleaned', 'Cleaned', 'Of words that are not on the list of safe ones.'],
  ['blanked', 'Blanked', 'Parts of the picture that bear text.'],
  ['retained', 'Kept', 'Because an option of the profile says so.'],
];

export function ChangeReport({ uid }: { uid: string }) {
  const query = useQuery(study(uid));
  return (
    <QueryView of={query} height={500}>
      {({ deidentification, series }) => (
        <Stack gap="md">
          <FactList
            facts={[
              ['Subject', series[0]?.patientId],
              ['Date, shifted', dicomDateText(series[0]?.studyDate)],
              ['Study UID', uid],
              ['Profile', 'Basic Application Level Confidentiality Profile, DICOM PS3.15 annex E, with options'],
            ]}
          />
          <Group gap="xs">
            {actions.map(([action, title]) => {
              const count = deidentification.filter((change) => change.action === action).length;
              return count === 0 ? null : (
                <Badge key={action} variant="default" tt="none">
                  {title}: {countOf(count, 'attribute')}
                </Badge>
              );
            })}
          </Group>
          {deidentification.length === 0 && (
            <Text size="sm">
              Nothing is written down: volumes that came as NIfTI or NRRD lose every text of their header.
            </Text>
          )}
          {actions.map(([action, title, meaning]) => (
            <ActionTable
              key={action}
              {...{ title, meaning }}
              changes={deidentification.filter((change) => change.action === action)}
            />
          ))}
        </Stack>
      )}
    </QueryView>
  );
}

interface ActionTableProps {
  readonly title: string;
  readonly meaning: string;
  readonly changes: readonly AttributeChange[];
}

function ActionTable({ changes, meaning, title }: ActionTableProps) {
  if (changes.length === 0) return null;
  return (
    <Stack gap={4}>
      <Group gap="xs" align="baseline">
        <Title order={3} size="h5">
          {title}
        </Title>
        <Text size="sm" c="dimmed">
          {meaning}
        </Text>
      </Group>
      <Table.ScrollContainer minWidth={480}>
        <Table verticalSpacing={2} fz="sm" layout="fixed" aria-label={title}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={110}>Tag</Table.Th>
              <Table.Th>Attribute</Table.Th>
              <Table.Th>Rule</Table.Th>
              <Table.Th w={80} ta="right">
                Times
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changes.map(({ count, keyword, reason, tag }) => (
              <Table.Tr key={`${tag} ${reason}`}>
                <Table.Td>{tagText(tag)}</Table.Td>
                <Table.Td>{nameOf(tag, keyword)}</Table.Td>
                <Table.Td>{reason}</Table.Td>
                <Table.Td ta="right">{wholeNumber(count)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

function tagText(tag: string): string {
  return `(${tag.slice(0, 4)},${tag.slice(4)})`;
}

function nameOf(tag: string, keyword: string | undefined): string {
  if (keyword !== undefined) return keywordText(keyword);
  return Number.parseInt(tag.slice(0, 4), 16) % 2 === 1 ? 'a private attribute' : 'not in the dictionary';
}
