/** What routers are told of a message: who is to work, and of which one. */
export function routingDataOf(worker: string, content: string): string {
  return `to ${worker}, ${content}`;
}

/** Who is to work, by routing data. */
export function namedIn(routing: string): string {
  return routing.slice('to '.length, routing.indexOf(','));
}
