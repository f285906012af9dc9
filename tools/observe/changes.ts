import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { WatchEvent } from '../../activities/clients/kubernetes/types.ts'

interface Versioned {
  readonly metadata: { readonly resourceVersion?: string }
}

/**
 * Every change of the objects of a collection after `from`, a resourceVersion; where that is empty, first what is there.
 * The server ends a watch now and then, and one whose reader falls behind: it goes on from the last object that came.
 * It ends, with an error, when the signal does, or when something may have been missed.
 *
 * @param path of the collection, as `apiPath` gives it
 * @throws KubernetesError where the watch cannot be opened
 */
export async function changesOf(
  kubernetes: Pick<Kubernetes, 'watch'>,
  path: string,
  from: string,
  signal: AbortSignal,
): Promise<AsyncIterable<WatchEvent>> {
  const open = (resourceVersion: string) =>
    kubernetes.watch(path, { resourceVersion, allowWatchBookmarks: 'false' }, { signal })
  return read(await open(from), from, open)
}

async function* read(
  first: AsyncIterable<WatchEvent>,
  from: string,
  open: (from: string) => Promise<AsyncIterable<WatchEvent>>,
): AsyncGenerator<WatchEvent> {
  let last = from
  for (let stream = first; ; stream = await open(last)) {
    for await (const event of stream) {
      if (event.type === 'ERROR') throw new Error(`the watch reported ${JSON.stringify(event.object)}`)
      last = (event.object as Versioned).metadata.resourceVersion ?? last
      yield event
    }
  }
}
