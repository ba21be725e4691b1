/** Steps that ask for a field each; one can go back and forth, and what is wrong is said where it is. */
import { licences } from '@consilium/coordinator/api';
import { Button, Code, Group, NativeSelect, Stack, Stepper, Text, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../parts/change.ts';
import { askRoute } from '../project-asking.ts';
import { AuthorFields } from './author-fields.tsx';
import { checked, isWrongIn, type PublicationDraft, steps } from './publication-draft.ts';

export function PublicationWizard({ begun }: { begun: PublicationDraft }) {
  const [draft, setDraft] = useState(begun);
  const [step, setStep] = useState(0);
  /** Nobody is told what is wrong before having said something. */
  const [isTold, setTold] = useState(false);
  const change = useChange();
  const outcome = checked(draft);
  const wrong = 'wrong' in outcome ? outcome.wrong : new Map<string, string>();
  const set = (part: Partial<PublicationDraft>) => setDraft((before) => ({ ...before, ...part }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (step < steps.length - 1) {
      const isHeldUp = isWrongIn(step, wrong);
      setTold(isHeldUp);
      if (!isHeldUp) setStep(step + 1);
      return;
    }
    if (!('publication' in outcome)) return;
    change.mutate({ run: () => askRoute('putPublication', { body: outcome.publication }), done: 'It is saved.' });
  };
  return (
    <form onSubmit={submit} aria-label="Publication">
      <Stack>
        <Stepper active={step} onStepClick={setStep} size="sm" iconSize={28} wrap>
          {steps.map(({ name }, index) => (
            <Stepper.Step key={name} label={name} {...(isTold && isWrongIn(index, wrong) ? { color: 'red.9' } : {})} />
          ))}
        </Stepper>
        <StepFields step={step} draft={draft} wrong={isTold ? wrong : new Map()} onChange={set} />
        <Group justify="flex-end">
          {step > 0 && (
            <Button variant="default" onClick={() => setStep(step - 1)}>
              Back
            </Button>
          )}
          <Button type="submit" loading={change.isPending} disabled={step === steps.length - 1 && wrong.size > 0}>
            {step === steps.length - 1 ? 'Save' : 'Next'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface StepFieldsProps {
  readonly step: number;
  readonly draft: PublicationDraft;
  readonly wrong: ReadonlyMap<string, string>;
  readonly onChange: (part: Partial<PublicationDraft>) => void;
}

function StepFields(props: StepFieldsProps) {
  const { draft, onChange, step, wrong } = props;
  switch (step) {
    case 0:
      return <WhatItIs {...props} />;
    case 1:
      return <AuthorFields draft={draft} wrong={wrong} onChange={onChange} />;
    case 2:
      return (
        <NativeSelect
          label="Licence"
          description="Of the model. Training data may ask for one: data under NC or SA binds models made of it."
          data={Object.entries(licences).map(([value, means]) => ({ value, label: `${value}: ${means}` }))}
          value={draft.licence}
          onChange={({ currentTarget: { value } }) => onChange({ licence: value })}
        />
      );
    case 3:
      return <WhatItIsFor {...props} />;
    default:
      return <LookAndSave draft={draft} />;
  }
}

function WhatItIs({ draft, onChange, wrong }: StepFieldsProps) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Title"
        value={draft.title}
        error={wrong.get('title')}
        onChange={({ currentTarget: { value } }) => onChange({ title: value })}
      />
      <Textarea
        label="Description"
        description="For somebody who has never heard of it"
        autosize
        minRows={3}
        value={draft.description}
        error={wrong.get('description')}
        onChange={({ currentTarget: { value } }) => onChange({ description: value })}
      />
      <Group gap="sm" align="flex-start">
        <TextInput
          label="Version"
          value={draft.version}
          error={wrong.get('version')}
          onChange={({ currentTarget: { value } }) => onChange({ version: value })}
        />
        <TextInput
          label="Date"
          type="date"
          value={draft.date}
          error={wrong.get('date')}
          onChange={({ currentTarget: { value } }) => onChange({ date: value })}
        />
      </Group>
    </Stack>
  );
}

function WhatItIsFor({ draft, onChange, wrong }: StepFieldsProps) {
  return (
    <Stack gap="sm">
      <Textarea
        label="Intended use"
        description="For what, by whom, on which images"
        autosize
        minRows={3}
        value={draft.intendedUse}
        error={wrong.get('intendedUse')}
        onChange={({ currentTarget: { value } }) => onChange({ intendedUse: value })}
      />
      <Textarea
        label="Out of scope"
        description="For what it must not be used; may be left out"
        autosize
        minRows={2}
        value={draft.outOfScope}
        error={wrong.get('outOfScope')}
        onChange={({ currentTarget: { value } }) => onChange({ outOfScope: value })}
      />
      <Textarea
        label="Limitations"
        description="Where it must not be trusted: a line each"
        autosize
        minRows={3}
        value={draft.limitations}
        error={wrong.get('limitations')}
        onChange={({ currentTarget: { value } }) => onChange({ limitations: value })}
      />
    </Stack>
  );
}

function LookAndSave({ draft }: { draft: PublicationDraft }) {
  const outcome = checked(draft);
  if ('wrong' in outcome) {
    return (
      <Text role="alert" c="var(--mantine-color-error)">
        Still to be said: {[...outcome.wrong].map(([path, message]) => `${path} ${message}`).join('; ')}.
      </Text>
    );
  }
  return (
    <Code block style={{ whiteSpace: 'pre-wrap' }} tabIndex={0} role="region" aria-label="As it will be saved">
      {JSON.stringify(outcome.publication, null, 2)}
    </Code>
  );
}
