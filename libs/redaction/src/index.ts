export { ProposeProcessor } from './propose.processor.js';
export { RedactionProposal } from './redaction-proposal.entity.js';
export { planText } from './plan-text.js';
export { RedactProcessor } from './redact.processor.js';
export { Redaction, Rendering, SavedPlan } from './redaction.entity.js';
export { RedactionHttpModule, RedactionModule, RedactionWorkModule } from './redaction.module.js';
export { RedactionsService } from './redactions.service.js';
