// SPDX-License-Identifier: Apache-2.0
import { wordsOf } from '../api/errors';

/** What went wrong, for people; nothing if nothing did. */
export function Fault({ text, error }: { text?: string; error?: unknown }) {
  const words = text || (error ? wordsOf(error) : '');
  if (!words) return null;
  return (
    <p className="fault" role="alert">
      {words}
    </p>
  );
}
