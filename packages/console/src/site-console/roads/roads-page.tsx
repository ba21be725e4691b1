/** Where everything lies, and by which roads studies come and go: what to enter at the other side. */
import type { Overview, Roads } from '@consilium/archive/api';
import { Badge, Code, Progress, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { bytesText, wholeNumber } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { overview, roads } from '../archive-asking.ts';

export function RoadsPage() {
  const facts = useQuery(overview);
  const query = useQuery(roads);
  return (
    <PageFrame
      title="Storage & roads"
      about={
        <>
          By which roads studies come and go. Roads are made in <code>archive.yaml</code>, and count from the next
          start.
        </>
      }
    >
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <QueryView of={facts} height={200}>
          {(data) => <Storage data={data} directory={query.data?.directory} />}
        </QueryView>
        <QueryView of={query} height={200}>
          {(data) => <StoreRoad dicom={data.dicom} />}
        </QueryView>
        <QueryView of={query} height={200}>
          {(data) => <WebRoad dicomweb={data.dicomweb} />}
        </QueryView>
        <QueryView of={query} height={200}>
          {(data) => <OtherRoads {...data} />}
        </QueryView>
      </SimpleGrid>
    </PageFrame>
  );
}

function Storage({ data, directory }: { data: Overview; directory: string | undefined }) {
  const { counts, storage } = data;
  const all = storage.instanceBytes + storage.freeBytes;
  const percent = all === 0 ? 0 : (100 * storage.instanceBytes) / all;
  return (
    <Section title="Storage">
      <Progress value={percent} size="lg" aria-label="Images of this archive, of the images and the free space" />
      <FactList
        facts={[
          ['Images', `${bytesText(storage.instanceBytes)} in ${wholeNumber(counts.instances)} instances`],
          ['Free on the disk', bytesText(storage.freeBytes)],
          ['Directory', directory],
        ]}
      />
      {storage.freeBytes < 50e9 && (
        <Text size="sm" c="var(--mantine-color-error)">
          Less than 50 GB are free. When the disk is full nothing more is taken in; what is here stays.
        </Text>
      )}
      <Text size="sm" c="dimmed">
        Back up the directory; its two keys, <code>secret</code> and <code>identity.key</code>, apart from the images.
      </Text>
    </Section>
  );
}

function StoreRoad({ dicom }: { dicom: Roads['dicom'] }) {
  if (dicom === null) {
    return (
      <Section title="From scanners and PACS: C-STORE">
        <EmptyPlace title="Not offered">
          Write a section <code>dicom</code> with an AE title, a port and who may send.
        </EmptyPlace>
      </Section>
    );
  }
  const host =
    location.hostname === '127.0.0.1' || location.hostname === 'localhost' ? 'this machine' : location.hostname;
  return (
    <Section title="From scanners and PACS: C-STORE">
      <CopyBlock
        label="What the administrator of the PACS enters"
        text={`AE title:  ${dicom.aeTitle}\nHost:      ${host}\nPort:      ${dicom.port}${dicom.isEncrypted ? ' (TLS)' : ''}\nServices:  Verification and Storage, as provider; all transfer syntaxes`}
      />
      <Text size="sm" fw={500}>
        Who may send
      </Text>
      {dicom.peers.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nobody yet: add the AE title and address of the PACS under <code>dicom: peers</code>.
        </Text>
      ) : (
        <Table verticalSpacing={3} fz="sm" aria-label="Who may send">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>AE title</Table.Th>
              <Table.Th>Addresses</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {dicom.peers.map(({ addresses, aeTitle, name }) => (
              <Table.Tr key={`${name} ${aeTitle}`}>
                <Table.Td>{name}</Table.Td>
                <Table.Td>{aeTitle}</Table.Td>
                <Table.Td>{addresses.join(', ')}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function WebRoad({ dicomweb }: { dicomweb: Roads['dicomweb'] }) {
  const url = dicomweb.url.startsWith('/') ? `${location.origin}${dicomweb.url}` : dicomweb.url;
  return (
    <Section title="For viewers: DICOMweb">
      <CopyBlock label="Address of its root" text={url} />
      {dicomweb.clients.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nobody may ask yet: add a client with a token under <code>dicomweb: clients</code>.
        </Text>
      ) : (
        <FactList facts={dicomweb.clients.map(({ may, name }) => [name, `may ${may.join(' and ')}`])} />
      )}
    </Section>
  );
}

function OtherRoads({ remotes, watched }: Roads) {
  return (
    <Section title="Watched folders, and PACS that are asked">
      <Stack gap="xs">
        {watched.length === 0 && (
          <Text size="sm" c="dimmed">
            No folder is watched. A section <code>watch</code> names those whose files are taken in as they come.
          </Text>
        )}
        {watched.map(({ afterwards, directory }) => (
          <Text size="sm" key={directory}>
            <Code>{directory}</Code> what was taken in is {afterwards === 'move' ? 'moved to done/' : 'deleted'}
          </Text>
        ))}
        {remotes.length === 0 && (
          <Text size="sm" c="dimmed">
            No PACS can be asked. A section <code>remotes</code> names those from which studies are fetched.
          </Text>
        )}
        {remotes.map(({ address, kind, name }) => (
          <Text size="sm" key={name} component="div">
            <Badge variant="default" tt="none">
              {kind === 'dimse' ? 'C-FIND' : 'DICOMweb'}
            </Badge>{' '}
            <b>{name}</b> <Code>{address}</Code>
          </Text>
        ))}
        {remotes.length > 0 && (
          <Text size="sm">
            <Link href="/">Fetch from it on the page Arrivals</Link>
          </Text>
        )}
      </Stack>
    </Section>
  );
}
