/** Workflow code with a bug: what it throws is no failure of a step. */
export function certificate(): Promise<void> {
  return Promise.reject(new TypeError('the names of undefined cannot be read'))
}
