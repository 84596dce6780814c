import { CloseButton, Group, Paper, Stack, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { fromLocalInput, zoneAt } from './local-time.rules.js';
import { sizeInWords } from './progress-words.rules.js';

/** A file that was chosen and not handed in yet. */
export interface DraftFile {
  readonly key: number;
  readonly file: File;
  /** Local time, as the input has it. */
  readonly recordedAt: string;
  readonly device: string;
}

/** What is said of each file: when it was recorded, and with what. */
export function ChosenFiles({
  files,
  onChange,
}: {
  readonly files: readonly DraftFile[];
  readonly onChange: (files: readonly DraftFile[]) => void;
}): ReactNode {
  const set = (key: number, change: Partial<DraftFile>): void =>
    onChange(files.map((file) => (file.key === key ? { ...file, ...change } : file)));
  return (
    <Stack component="ul" gap="sm" className="console-list" aria-label="Chosen files">
      {files.map(({ key, file, recordedAt, device }) => (
        <Paper key={key} component="li" withBorder p="sm">
          <fieldset className="console-fieldset">
            <legend className="console-legend">
              <Text fw={600} component="span" className="console-anywhere">
                {file.name}
              </Text>{' '}
              <Text size="sm" c="dimmed" component="span">
                {sizeInWords(file.size)}
              </Text>
            </legend>
            <CloseButton
              className="console-remove"
              aria-label={`Take ${file.name} out`}
              onClick={() => onChange(files.filter((other) => other.key !== key))}
            />
            <Group gap="sm" grow align="flex-start" className="console-fields">
              <TextInput
                type="datetime-local"
                step={1}
                max="9999-12-31T23:59:59"
                label="Recorded at"
                description={zoneAt(fromLocalInput(recordedAt) ?? file.lastModified)}
                required
                value={recordedAt}
                error={fromLocalInput(recordedAt) === undefined ? 'Give date and time.' : undefined}
                onChange={(event) => set(key, { recordedAt: event.currentTarget.value })}
              />
              <TextInput
                label="Device"
                description="Make and model, if known"
                maxLength={128}
                value={device}
                onChange={(event) => set(key, { device: event.currentTarget.value })}
              />
            </Group>
          </fieldset>
        </Paper>
      ))}
    </Stack>
  );
}
