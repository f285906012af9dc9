/**
 * Remembers what was read from an object for as long as the object lives: keys and certificates are decoded once per
 * answer of the API server, however many ask. An error is not remembered. Objects that were read are never changed.
 */
export function oncePerObject<K extends object, V>(read: (object: K) => V): (object: K) => V {
  const known = new WeakMap<K, V>()
  return (object) => {
    const found = known.get(object)
    if (found !== undefined) return found
    const value = read(object)
    known.set(object, value)
    return value
  }
}
