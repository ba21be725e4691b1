/** Every model that sites were asked to test, at every site. */
import { useQuery } from '@tanstack/react-query';
import { EmptyPlace } from '../../parts/empty-place.tsx';
import { PageFrame } from '../../parts/page-frame.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Section } from '../../parts/section.tsx';
import { matrix } from '../project-asking.ts';
import { ModelMatrix } from './model-matrix.tsx';

export function MatrixPage() {
  const query = useQuery(matrix);
  return (
    <PageFrame
      title="Models across sites"
      about="How each model does on the patients of each site: mean Dice over cases, as the sites have told it."
    >
      <Section title="Mean Dice">
        <QueryView of={query} height={200}>
          {(data) =>
            data.models.length === 0 ? (
              <EmptyPlace title="No model was tested yet">
                An experiment tests its chosen models at every site: <code>consilium experiment run</code>.
              </EmptyPlace>
            ) : (
              <ModelMatrix matrix={data} />
            )
          }
        </QueryView>
      </Section>
    </PageFrame>
  );
}
