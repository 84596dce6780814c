export { type AccessPolicy, type BreakGlassPolicy, type StandingRule } from './policy/access-policy.rules.js';
export { AccessPolicyService } from './policy/access-policy.service.js';
export { AccessHttpModule, AccessModule, AccessWorkModule } from './access.module.js';
export { RequestTargets, type RequestTarget, type TargetRecording } from './requests/request-targets.js';
export { DisclosureCopies } from './disclosure/disclosure-copies.service.js';
export { DisclosurePackaging } from './disclosure/disclosure-packaging.service.js';
export { DisclosuresWorkModule } from './disclosure/disclosures.module.js';
export type { DisclosureWithItems } from './disclosure/disclosures.service.js';
export { PURPOSES, type Purpose } from './requests/access-request.rules.js';
