// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import { Empty } from '../parts/Empty';
import { PageHead } from '../parts/PageHead';

export function NotHere() {
  return (
    <div className="page">
      <PageHead title="No such page" />
      <Empty title="There is nothing at this address.">
        <p>
          It may have been a link to something else. <Link href="/">Go to the overview</Link>
        </p>
      </Empty>
    </div>
  );
}
