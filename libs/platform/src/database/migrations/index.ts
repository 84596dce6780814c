import { Outbox1763600000000 } from './1763600000000-outbox.js';
import { CustodyLog1763600000001 } from './1763600000001-custody-log.js';
import { Identity1763600000002 } from './1763600000002-identity.js';
import { Evidence1763600000003 } from './1763600000003-evidence.js';
import { Access1763600000004 } from './1763600000004-access.js';
import { Redaction1763600000005 } from './1763600000005-redaction.js';
import { CustodyAppend1763600000006 } from './1763600000006-custody-append.js';
import { LogOutsideChecks1763600000007 } from './1763600000007-log-outside-checks.js';
import { LogTimestampsByNote1763600000008 } from './1763600000008-log-timestamps-by-note.js';
import { Erasure1763600000009 } from './1763600000009-erasure.js';
import { CheaperAppend1763600000010 } from './1763600000010-cheaper-append.js';
import { PlaceableEntries1763600000011 } from './1763600000011-placeable-entries.js';
import { FewerIndexes1763600000012 } from './1763600000012-fewer-indexes.js';
import { Docking1763600000013 } from './1763600000013-docking.js';
import { UploadNotices1763600000014 } from './1763600000014-upload-notices.js';
import { UnarrivedNumbers1763600000015 } from './1763600000015-unarrived-numbers.js';
import { UploadsBegunAnew1763600000016 } from './1763600000016-uploads-begun-anew.js';
import { Jobs1763600000017 } from './1763600000017-jobs.js';
import { RedactionReview1763600000018 } from './1763600000018-redaction-review.js';
import { Proposals1763600000020 } from './1763600000020-proposals.js';
import { ExactGrants1763600000021 } from './1763600000021-exact-grants.js';
import { Samplings1763600000023 } from './1763600000023-samplings.js';
import { DecidedInParts1763600000022 } from './1763600000022-decided-in-parts.js';
import { ViewingsInProgress1763600000024 } from './1763600000024-viewings-in-progress.js';
import { CasesAndSearch1763600000025 } from './1763600000025-cases-and-search.js';
import { Disclosures1763600000026 } from './1763600000026-disclosures.js';

/** In order. A migration that has run anywhere is never edited. */
export const MIGRATIONS = [
  Outbox1763600000000,
  CustodyLog1763600000001,
  Identity1763600000002,
  Evidence1763600000003,
  Access1763600000004,
  Redaction1763600000005,
  CustodyAppend1763600000006,
  LogOutsideChecks1763600000007,
  LogTimestampsByNote1763600000008,
  Erasure1763600000009,
  CheaperAppend1763600000010,
  PlaceableEntries1763600000011,
  FewerIndexes1763600000012,
  Docking1763600000013,
  UploadNotices1763600000014,
  UnarrivedNumbers1763600000015,
  UploadsBegunAnew1763600000016,
  Jobs1763600000017,
  RedactionReview1763600000018,
  Proposals1763600000020,
  ExactGrants1763600000021,
  DecidedInParts1763600000022,
  Samplings1763600000023,
  ViewingsInProgress1763600000024,
  CasesAndSearch1763600000025,
  Disclosures1763600000026,
];
