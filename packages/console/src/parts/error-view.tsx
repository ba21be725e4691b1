/** An error as a person can use it: what happened, what to do, the code to look for. */
import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { CodeWords } from './code-words.tsx';
import { ServiceError } from './service-error.ts';

export function ErrorView({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const known = error instanceof ServiceError;
  const code = known ? error.code : 'console.fault';
  return (
    <Alert color="red" title={known ? error.message : 'This page has a fault.'} role="alert">
      <Stack gap="xs">
        <CodeWords code={code} />
        <Group justify="space-between">
          <Text size="sm" component="span">
            Code: <Code>{code}</Code>
          </Text>
          {onRetry && (
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
