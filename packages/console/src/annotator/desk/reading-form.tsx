/** What a reader answers besides drawing, and the handing in. */

import type { Protocol } from '@consilium/reading/api';
import { Button, Checkbox, NativeSelect, NumberInput, Stack, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Section } from '../../parts/section.tsx';

type Field = Protocol['form'][number];
export type FormAnswers = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface ReadingFormProps {
  readonly form: Protocol['form'];
  readonly isBusy: boolean;
  readonly onSubmit: (answers: FormAnswers) => void;
}

export function ReadingForm({ form, isBusy, onSubmit }: ReadingFormProps) {
  const [answers, setAnswers] = useState<FormAnswers>({});
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(answers);
  };
  return (
    <Section title={form.length === 0 ? 'Hand in' : 'Form'}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {form.map((field) => (
            <FormField
              key={field.name}
              field={field}
              answer={answers[field.name]}
              onAnswer={(answer) =>
                setAnswers(({ [field.name]: _, ...others }) =>
                  answer === undefined ? others : { ...others, [field.name]: answer },
                )
              }
            />
          ))}
          <Button type="submit" loading={isBusy}>
            Hand in
          </Button>
        </Stack>
      </form>
    </Section>
  );
}

interface FormFieldProps {
  readonly field: Field;
  readonly answer: FormAnswers[string] | undefined;
  readonly onAnswer: (answer: FormAnswers[string] | undefined) => void;
}

function FormField({ answer, field, onAnswer }: FormFieldProps) {
  const { label, required } = field;
  const shared = { label, required, size: 'xs' } as const;
  switch (field.kind) {
    case 'text':
      return (
        <Textarea
          {...shared}
          autosize
          maxLength={field.charactersMax}
          value={String(answer ?? '')}
          onChange={({ currentTarget: { value } }) => onAnswer(value === '' ? undefined : value)}
        />
      );
    case 'number':
      return (
        <NumberInput
          {...shared}
          {...(field.min === undefined ? {} : { min: field.min })}
          {...(field.max === undefined ? {} : { max: field.max })}
          value={typeof answer === 'number' ? answer : ''}
          onChange={(value) => onAnswer(value === '' ? undefined : Number(value))}
        />
      );
    case 'choice':
      return (
        <NativeSelect
          {...shared}
          data={[{ value: '', label: '' }, ...field.choices]}
          value={String(answer ?? '')}
          onChange={({ currentTarget: { value } }) => onAnswer(value === '' ? undefined : value)}
        />
      );
    case 'choices':
      return (
        <Checkbox.Group
          label={label}
          required={required}
          size="xs"
          value={[...((answer as string[] | undefined) ?? [])]}
          onChange={onAnswer}
        >
          <Stack gap={4} mt={4}>
            {field.choices.map(({ label: word, value }) => (
              <Checkbox key={value} size="xs" value={value} label={word} />
            ))}
          </Stack>
        </Checkbox.Group>
      );
    case 'yes-no':
      return (
        <NativeSelect
          {...shared}
          data={[
            { value: '', label: '' },
            { value: 'yes', label: 'Yes' },
            { value: 'no', label: 'No' },
          ]}
          value={answer === undefined ? '' : answer === true ? 'yes' : 'no'}
          onChange={({ currentTarget: { value } }) => onAnswer(value === '' ? undefined : value === 'yes')}
        />
      );
  }
}
