/**
 * The data sheet of a data set (Gebru et al. 2021, doi:10.1145/3458723): its questions, by heading, with what the software
 * knows. The rest is for people: `dataSheet` of `--about`, heading to answer. What nobody has answered is said to be open.
 */
import type { About } from '../crate/about.ts';

export interface DataSheetFacts {
  /** Heading to what is known of it. */
  readonly known: Readonly<Partial<Record<DataSheetHeading, readonly string[]>>>;
}

const headings = [
  ['Motivation', 'For what purpose was it made, by whom, and who paid for it?'],
  ['Composition', 'What is in it, how much of it, and what is missing from it?'],
  [
    'Collection',
    'How were the data acquired, over what time, and did those concerned know and agree? Who reviewed it?',
  ],
  ['Preprocessing and labelling', 'What was done to it, and by whom was it labelled with what?'],
  ['Uses', 'What has it been used for, and what should it not be used for?'],
  ['Distribution', 'To whom is it given, how, and under which licence?'],
  ['Maintenance', 'Who looks after it, how are errors mended, and will there be new versions?'],
] as const;
type DataSheetHeading = (typeof headings)[number][0];

export function dataSheet(about: About, { known }: DataSheetFacts): string {
  const sections = headings.map(([heading, question]) => {
    const facts = known[heading] ?? [];
    const answer = about.dataSheet?.[heading];
    const told = facts.map((fact) => `- ${fact}`).join('\n');
    const rest = answer ?? '*Not answered by those who published it.*';
    return `## ${heading}\n\n*${question}*\n\n${told === '' ? '' : `${told}\n\n`}${rest}`;
  });
  return `# Data sheet: ${about.title}\n\nVersion ${about.version}, ${about.date}.\n\n${sections.join('\n\n')}\n`;
}
