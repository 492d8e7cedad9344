// SPDX-License-Identifier: Apache-2.0
import type { Theme } from '../../app/useTheme';
import { IconButton } from '../../ui/IconButton';

export function ThemeButton({ theme }: { theme: Theme }) {
  const dark = theme.name === 'dark';
  return (
    <IconButton
      icon={dark ? 'sun' : 'moon'}
      label={dark ? 'Light colours' : 'Dark colours'}
      onPress={theme.toggle}
    />
  );
}
