import { askForAccess, grantAccess, refusedOwnRequest, refusedWithoutGrant, view } from './access-steps.js';
import { enrolPeople } from './cast.js';
import { makeClips, ownVideos } from './clips.js';
import type { DemoContext } from './demo-context.js';
import { checkReceipt, enrolDock, playable, upload, uploadAgain } from './docking-steps.js';
import { exportBundle, exportReport } from './export-steps.js';
import type { Interruption } from './interruption.js';
import type { Narrator } from './narrator.js';
import { compareFrames, redact, reviewAndRelease, sceneOf } from './redaction-steps.js';
import { tamper } from './tampering.js';
import {
  checkComplete,
  checkCosigned,
  noticeChangedBytes,
  noticeLeftOut,
  readOwnPolicy,
  verifyOffline,
} from './verification-steps.js';

/** From a docking station to a verified custody report, in the order of a real case. @throws StepFailed at the first step that does not hold */
export async function playThePath(context: DemoContext, narrator: Narrator, interruption: Interruption): Promise<void> {
  const step = narrator.step.bind(narrator);
  const cast = await step('1 People are enrolled and sign in', () => enrolPeople(context));
  const dock = await step('1 A docking station is enrolled', () => enrolDock(context, cast));
  const clips =
    context.videos.length > 0
      ? await step('2 Your videos are at hand', () => ownVideos(context))
      : await step('2 Two cameras film the same event', () => makeClips(context, cast.badge));
  const uploaded = await step('2 The dock uploads and keeps the receipts', () => upload(context, dock, clips, cast.badge));
  await step('2 The same file a second time is refused', () => uploadAgain(context, cast, clips, uploaded));
  await step('3 Receipt and signed checkpoint prove the sealing', () => checkReceipt(context, dock, clips, uploaded));
  const { main } = await step('4 Playback copies are made', () => playable(cast, uploaded));
  const scene = sceneOf(main, clips.main);

  await step('5 An investigator without a grant is refused', () => refusedWithoutGrant(cast, main.id));
  const everything = uploaded.recordings.map(({ recording }) => recording);
  const asked = await step('5 The investigator asks for access', () => askForAccess(cast.investigator, context, everything));
  await step('5 Nobody grants what they asked for themselves', () => refusedOwnRequest(cast, context, main.id));
  await step('5 A custodian grants it until a time', () => grantAccess(cast, asked.request));
  const original = await step('6 The investigator watches; each second is on record', () =>
    view(cast, main.id, [scene.lookAtMs - 50, scene.lookAtMs]),
  );

  const made = await step('7 A custodian redacts a moving person and an address', () => redact(cast, main, scene));
  const { result } = made;
  await step('7 A second person reviews it before it is released', () => reviewAndRelease(cast, made));
  const askedAgain = await step('7 The investigator asks for the redacted recording', () =>
    askForAccess(cast.investigator, context, [result.id]),
  );
  await step('7 A custodian grants it until a time', () => grantAccess(cast, askedAgain.request));
  const redacted = await step('7 The investigator watches the redacted recording', () =>
    view(cast, result.id, [scene.lookAtMs - 50, scene.lookAtMs]),
  );
  await step('7 What was to be hidden is hidden', () => compareFrames(context, scene, original.watched, redacted.watched));

  await step('8 An auditor exports the custody report', () => exportReport(context, cast, main.id));
  const bundle = await step('8 An auditor exports the evidence bundle', () => exportBundle(context, cast, main.id));
  await step('9 A witness has cosigned the newest checkpoint', () => checkCosigned(context, dock.logKey));
  const verified = await step('9 The bundle is verified offline, under a policy', () =>
    verifyOffline(context, bundle, dock.logKey),
  );
  await step('9 It proves that no entry was left out', () => checkComplete(verified));
  await step('9 It names the policy it satisfies', () => readOwnPolicy(context, bundle, dock.logKey));
  await step('  An entry left out of the bundle is noticed', () => noticeLeftOut(context, bundle, main.id, dock.logKey));
  await step('  One changed byte of the bundle is noticed', () => noticeChangedBytes(context, bundle, dock.logKey));
  await step('  A row changed by the database superuser is found', () =>
    interruption.hold(() => tamper(context, cast, main.id, dock.logKey)),
  );
}
