/** What privacy has cost each site, as far as the coordinator sees it; what waits for people at sites; who signed. */
import type { Answer } from '@consilium/coordinator/api';
import { Alert, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { timeText } from '../../parts/quantity.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { privacy } from '../project-asking.ts';

type Privacy = Answer<'privacy'>;

export function PrivacyPage() {
  const query = useQuery(privacy);
  return (
    <PageFrame
      title="Privacy & approvals"
      about="Each site keeps a budget and a policy of its own, and counts for itself. Here is what of it can be seen from outside."
    >
      <QueryView of={query} height={300}>
        {(data) => (
          <>
            <Section title="Waiting for people at sites">
              <Waiting waiting={data.waiting} />
            </Section>
            <Section title="Privacy spent">
              <Spent privacy={data} />
            </Section>
            <Section title="Not allowed by sites">
              <Refusals refusals={data.refusals} />
            </Section>
            <Section title="Signed by">
              <Signed signed={data.signed} />
            </Section>
          </>
        )}
      </QueryView>
    </PageFrame>
  );
}

function Waiting({ waiting }: Pick<Privacy, 'waiting'>) {
  if (waiting.length === 0) return <EmptyPlace title="Nothing waits for an approval" />;
  return waiting.map(({ jobId, since, siteId, task }) => (
    <Alert key={`${siteId} ${jobId} ${task}`} variant="default" title={`${siteId} has to decide about ${jobId}`}>
      <Text size="sm">
        To {task}, since {timeText(Date.parse(since))}. There: <code>consilium site approvals approve {jobId}</code>.
        The job goes on by itself then, or without the site.
      </Text>
    </Alert>
  ));
}

function Spent({ privacy: { delta, sites } }: { privacy: Privacy }) {
  if (sites.length === 0) return <EmptyPlace title="No job has trained privately" />;
  return (
    <>
      <Table.ScrollContainer minWidth={460}>
        <Table verticalSpacing={4} fz="sm" aria-label="Privacy spent">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Site</Table.Th>
              <Table.Th>ε of all</Table.Th>
              <Table.Th>Job</Table.Th>
              <Table.Th>Trainings</Table.Th>
              <Table.Th>ε alone</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sites.flatMap(({ epsilon, jobs, siteId }) =>
              jobs.map((job, at) => (
                <Table.Tr key={`${siteId} ${job.jobId}`}>
                  <Table.Th scope="row">{siteId}</Table.Th>
                  <Table.Td>{at === 0 ? epsilonText(epsilon) : ''}</Table.Td>
                  <Table.Td>
                    <Link href={`/jobs/${job.jobId}`}>{job.jobId}</Link>
                  </Table.Td>
                  <Table.Td>{job.trainings}</Table.Td>
                  <Table.Td>{epsilonText(job.epsilon)}</Table.Td>
                </Table.Tr>
              )),
            )}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="sm" c="dimmed">
        At δ = {delta}, by Rényi divergences, with the noise that the jobs ask for. A training that was not taken in is
        not seen here, and a site may add more noise: what counts is <code>consilium site privacy</code> there.
      </Text>
    </>
  );
}

/** Never less than it is. */
function epsilonText(epsilon: number | null): string {
  return epsilon === null ? 'without bound' : (Math.ceil(epsilon * 100 - 1e-9) / 100).toFixed(2);
}

function Refusals({ refusals }: Pick<Privacy, 'refusals'>) {
  if (refusals.length === 0) return <EmptyPlace title="No site has turned a task down" />;
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table verticalSpacing={4} fz="sm" aria-label="Not allowed by sites">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Site</Table.Th>
            <Table.Th>Job</Table.Th>
            <Table.Th>Round</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {refusals.map(({ code, jobId, message, round, siteId }) => (
            <Table.Tr key={`${siteId} ${jobId} ${round}`}>
              <Table.Th scope="row">{siteId}</Table.Th>
              <Table.Td>
                <Link href={`/jobs/${jobId}`}>{jobId}</Link>
              </Table.Td>
              <Table.Td>{round}</Table.Td>
              <Table.Td>
                {message} ({code})
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Signed({ signed }: Pick<Privacy, 'signed'>) {
  if (signed.length === 0)
    return <EmptyPlace title="No job is signed">Sites that ask for signatures turn unsigned jobs down.</EmptyPlace>;
  return (
    <Table.ScrollContainer minWidth={460}>
      <Table verticalSpacing={4} fz="sm" aria-label="Signed by">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Job</Table.Th>
            <Table.Th>Who, and when</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {signed.map(({ jobId, signatures }) => (
            <Table.Tr key={jobId}>
              <Table.Td>
                <Link href={`/jobs/${jobId}`}>{jobId}</Link>
              </Table.Td>
              <Table.Td>
                {signatures.map(({ as, member, signedAt }) => (
                  <Text size="sm" key={`${as} ${member}`}>
                    {member} as {as}, {timeText(Date.parse(signedAt))}
                  </Text>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
