// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon';

interface Props {
  icon: IconName;
  label: string;
  /** A switch, and how it stands; nothing = a plain button. */
  pressed?: boolean;
  kind?: 'plain' | 'off' | 'danger';
  hint?: string;
  disabled?: boolean;
  onPress: () => void;
  children?: ReactNode;
}

/** A round button. Its name is read out and shown when it is pointed at. */
export function IconButton({
  icon,
  label,
  pressed,
  kind = 'plain',
  hint,
  disabled,
  onPress,
  children,
}: Props) {
  return (
    <button
      type="button"
      className={`round round-${kind}`}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      title={hint ? `${label} (${hint})` : label}
      onClick={onPress}
    >
      <Icon name={icon} />
      {children}
    </button>
  );
}
