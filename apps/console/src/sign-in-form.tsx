import { Alert, Button, Paper, Stack, TextInput, Title } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { sentenceOf } from './service.js';
import { signIn, type Person } from './session.js';

/** @param because why signing in is asked for in the middle of something */
export function SignInForm({
  because,
  onSignedIn,
}: {
  readonly because?: string;
  readonly onSignedIn: (person: Person) => void;
}): ReactNode {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const submit = (): void => {
    setBusy(true);
    setProblem(undefined);
    signIn(username, password)
      .then(onSignedIn, (error: unknown) => {
        setProblem(sentenceOf(error));
        setPassword('');
      })
      .finally(() => setBusy(false));
  };

  return (
    <Paper withBorder p="md" mb="lg" className="console-sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack gap="md">
          <Title order={1} size="h3">
            Sign in
          </Title>
          {because !== undefined && (
            <Alert role="status" color="blue">
              {because}
            </Alert>
          )}
          {problem !== undefined && (
            <Alert role="alert" color="red">
              {problem}
            </Alert>
          )}
          <TextInput
            ref={first}
            label="User name"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={64}
            required
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <TextInput
            label="Password"
            type="password"
            autoComplete="current-password"
            maxLength={200}
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={busy}>
            Sign in
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
