// SPDX-License-Identifier: Apache-2.0
import { initialsOf } from '../people/names';

export function Avatar({ name }: { name: string }) {
  return (
    <span className="face" aria-hidden="true">
      {initialsOf(name.replace(/^@/, ''))}
    </span>
  );
}
