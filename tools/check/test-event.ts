/** Descriptor on which a test file tells the runner its events, one line of JSON each: see reporter.ts. */
export const eventsDescriptor = 3

/** What becomes of one test or suite; parents come after their children. */
export interface TestResult {
  readonly event: 'pass' | 'fail' | 'skip'
  readonly name: string
  /** 0 for the tests of the file, 1 for those within them. */
  readonly nesting: number
  readonly suite: boolean
  readonly ms: number
  /** True when it failed by itself, not only because a test within it did. */
  readonly own: boolean
  /** The error of a failed test, or why it was skipped. */
  readonly text?: string
}

export type TestEvent =
  | TestResult
  /** It runs from now on; several may run at once. */
  | { readonly event: 'begin'; readonly name: string; readonly nesting: number }
  /** What follows is told of it or of what is within it. */
  | { readonly event: 'about'; readonly name: string; readonly nesting: number }
  /** All tests of the file have been told. Without it the process ended too early. */
  | { readonly event: 'end' }
