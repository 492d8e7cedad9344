// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import { ApiError } from '../api/errors';
import { Empty } from '../parts/Empty';
import { PageHead } from '../parts/PageHead';

export const isGone = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** What was here has ended meanwhile, or the address is an old one. */
export function Gone({ what, back, backName }: { what: string; back: string; backName: string }) {
  return (
    <div className="page">
      <PageHead title={`${what} is gone`} />
      <Empty title="It has ended, or they have left.">
        <p>
          <Link href={back}>{backName}</Link>
        </p>
      </Empty>
    </div>
  );
}
