/** Names that go into provenance. */

/** The grader behind every verdict: bump when a verdict could change. */
export const GRADER = 'ares-1';
