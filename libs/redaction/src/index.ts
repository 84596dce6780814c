export { RedactProcessor } from './redact.processor.js';
export { Redaction } from './redaction.entity.js';
export { RedactionHttpModule, RedactionModule, RedactionWorkModule } from './redaction.module.js';
export { planText, RedactionsService } from './redactions.service.js';
