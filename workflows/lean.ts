/**
 * Loaded once per worker, before any workflow: from here on errors and promises of workflow code take no stack traces.
 * The SDK takes one for every promise, to answer the query `__stack_trace`, and looks each line up in the source map:
 * half of what workflow code costs. A workflow task that fails is told with its message; a worker with
 * CERTLOOM_WORKFLOW_STACK_TRACES=true tells the line as well.
 */
Error.stackTraceLimit = 0
