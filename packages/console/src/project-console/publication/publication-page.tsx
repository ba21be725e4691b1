/** The publication wizard: asks, step by step, what a machine cannot know, and says by which command it is published. */
import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { CopyBlock } from '../../parts/copy-block.tsx';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { useMay } from '../../parts/session.ts';
import { nowMs } from '../../ports/browser-clock.ts';
import { overview, publication } from '../project-asking.ts';
import { draftOf } from './publication-draft.ts';
import { PublicationWizard } from './publication-wizard.tsx';

export function PublicationPage() {
  const query = useQuery(publication);
  const best = useQuery(overview).data?.best;
  const may = useMay('project.publish');
  const job = best?.jobId ?? 'kidney-1';
  return (
    <PageFrame
      title="Publication"
      about="What a model that is given away says of itself, in the words of those who made it. Numbers and provenance come from the ledger by themselves."
    >
      <QueryView of={query} height={400}>
        {({ file, publication: saved }) => (
          <>
            {may ? (
              <Section title="What a publication has to say">
                <PublicationWizard key={file} begun={draftOf(saved, today())} />
              </Section>
            ) : (
              saved === null && (
                <EmptyPlace title="Nothing is written yet">A project lead or an engineer writes it here.</EmptyPlace>
              )
            )}
            {saved !== null && (
              <Section title="Publish it">
                <Alert variant="default" style={{ overflowWrap: 'anywhere' }}>
                  “{saved.title}” is saved in <code>{file}</code> on the coordinator’s machine.
                </Alert>
                <CopyBlock
                  label="With your identity and your own key for signing"
                  text={`consilium job result ${job} --out ${job}-result\nconsilium publish --model ${job}-result --about ${file} --out crate --key publishing`}
                />
              </Section>
            )}
          </>
        )}
      </QueryView>
    </PageFrame>
  );
}

function today(): string {
  return new Date(nowMs()).toISOString().slice(0, 10);
}
